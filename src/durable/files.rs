//! What is around the bytes of a file, so that nothing else is taken for them?
//!
//! 1. A sealed file is an envelope (magic, kind, version, length, checksum) around bytes.
//! 2. It is written beside its place, synced, renamed, and the folder is synced (`folder.rs`): after a crash there is the
//!    old file, or the new one. Drafts that a crash left behind end in `.draft` and are removed by the next run.
//! 3. Files with a copy (`copy_of`) are written twice, byte for byte: what is damaged in one is read from the other.

use crate::error::Result;

const MAGIC: &[u8; 8] = b"dstreams";
/// Format 2: owners, copies, journals that are named.
const VERSION: u32 = 2;
const HEAD: usize = 8 + 4 + 4 + 8 + 4;
const COPY: &str = ".copy";
/// A number has the epoch before these bits.
const EPOCH_SHIFT: u32 = 32;

/// The checksum of bytes.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    sum.sum()
}

/// Bytes in an envelope.
pub(super) fn seal(kind: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD + payload.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&kind);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&checksum(payload).to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// The bytes of an envelope, or what is wrong with it.
pub(super) fn unseal(kind: [u8; 4], bytes: &[u8]) -> Result<&[u8], String> {
    if !bytes.iter().zip(MAGIC.iter().chain(&kind)).all(|(found, wanted)| found == wanted) {
        return Err("it was not written by dstreams, or is damaged".into());
    }
    let (head, payload) = bytes.split_at_checked(HEAD).ok_or("it is cut short")?;
    let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    if word(12) != VERSION {
        return Err(format!("it has format {}, and this version of dstreams reads format {VERSION}", word(12)));
    }
    let length = u64::from(word(16)) | u64::from(word(20)) << 32;
    if length != payload.len() as u64 {
        return Err("it is cut short, or too long".into());
    }
    if checksum(payload) != word(24) {
        return Err("its checksum does not fit".into());
    }
    Ok(payload)
}

/// The name of the second of two files that hold the same.
pub(super) fn copy_of(name: &str) -> String {
    format!("{name}{COPY}")
}

/// The name of the first of two files that hold the same.
pub(super) fn first_of(name: &str) -> &str {
    name.strip_suffix(COPY).unwrap_or(name)
}

/// The name of a file with a number, which is rising over all epochs.
pub(super) fn numbered(beginning: &str, number: u64) -> String {
    format!("{beginning}{:06}-{:06}", number >> EPOCH_SHIFT, number & ((1 << EPOCH_SHIFT) - 1))
}

/// The number in such a name, or in that of its copy; those of older formats count from 0.
pub(super) fn number_in(name: &str, beginning: &str) -> Option<u64> {
    let rest = first_of(name.strip_prefix(beginning)?);
    match rest.split_once('-') {
        Some((epoch, number)) => {
            let (epoch, number): (u32, u32) = (epoch.parse().ok()?, number.parse().ok()?);
            Some(u64::from(epoch) << EPOCH_SHIFT | u64::from(number))
        }
        None => rest.parse().ok(),
    }
}

/// The first number of an epoch. No two runs write files of one number: their epochs differ.
pub(super) fn first_number(epoch: u64) -> u64 {
    epoch << EPOCH_SHIFT
}

/// The epoch in which a file was begun.
pub(super) fn epoch_of(number: u64) -> u64 {
    number >> EPOCH_SHIFT
}
