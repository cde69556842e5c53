//! What is in a file compressed by Zstandard? Frames, one after the other; the library reads and writes single ones.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// The largest window that a frame may ask for, in bytes: what the program `zstd` allows without being told otherwise.
const LARGEST_WINDOW: u64 = 128 << 20;

/// One frame with these bytes.
pub fn pack(data: &[u8]) -> Vec<u8> {
    compress_to_vec(data, CompressionLevel::Fastest)
}

/// What all frames together hold.
pub fn unpack(data: &[u8]) -> io::Result<Vec<u8>> {
    let mut found = Vec::new();
    Frames::new(data).read_to_end(&mut found)?;
    Ok(found)
}

/// Reads what frames hold, one after the other. Frames that hold something else than data are passed over.
pub(super) struct Frames<R: Read> {
    source: BufReader<R>,
    decoder: FrameDecoder,
    within: bool,
}

impl<R: Read> Frames<R> {
    pub(super) fn new(source: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(LARGEST_WINDOW);
        Self { source: BufReader::new(source), decoder, within: false }
    }

    /// Goes to the next frame; whether there is one.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let length = u64::from(length);
                    if io::copy(&mut self.source.by_ref().take(length), &mut io::sink())? < length {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(problem) => return Err(damaged(problem)),
            }
        }
        Ok(false)
    }

    /// Compares what was read of a frame with its sum, if it has one.
    fn check(&self) -> io::Result<()> {
        let told = self.decoder.get_checksum_from_data();
        if told.is_some() && told != self.decoder.get_calculated_checksum() {
            return Err(damaged("a frame differs from its checksum"));
        }
        Ok(())
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.within && !self.begin()? {
                return Ok(0);
            }
            self.within = true;
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.source, one).map_err(damaged)?;
            }
            let read = self.decoder.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            self.check()?;
            self.within = false;
        }
    }
}

fn damaged(problem: impl ToString) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("invalid zstd data: {}", problem.to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `printf 'one\ntwo\n' | zstd --check`
    const FROM_THE_PROGRAM: &[u8] = &[
        0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x41, 0x00, 0x00, 0x6f, 0x6e, 0x65, 0x0a, 0x74, 0x77, 0x6f, 0x0a, 0xe6,
        0xa6, 0x0e, 0x40,
    ];

    proptest! {
        #[test]
        fn what_is_packed_comes_back(parts in prop::collection::vec(prop::collection::vec(0u8..4, 0..3000), 0..4)) {
            let packed = parts.iter().flat_map(|part| pack(part)).collect::<Vec<_>>();
            prop_assert_eq!(unpack(&packed).unwrap(), parts.concat());
        }

        #[test]
        fn damage_is_an_error_and_no_panic(data in prop::collection::vec(0u8..8, 1..400), at: prop::sample::Index, bit in 0u32..8) {
            let mut packed = pack(&data);
            let at = at.index(packed.len());
            packed[at] ^= 1 << bit;
            // Whatever comes out, it is an answer.
            let found = unpack(&packed);
            prop_assert!(found.is_err() || found.is_ok_and(|found| found.len() <= 1 << 20));
        }

        #[test]
        fn what_is_cut_short_is_an_error(data in prop::collection::vec(any::<u8>(), 1..400), cut: prop::sample::Index) {
            let packed = pack(&data);
            let cut = cut.index(packed.len());
            prop_assert!(cut == 0 || unpack(&packed[..cut]).is_err());
        }
    }

    #[test]
    fn frames_for_other_purposes_are_passed_over() {
        let mut data = vec![0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9];
        data.extend(pack(b"text"));
        assert_eq!(unpack(&data).unwrap(), b"text");
        assert!(unpack(&data[..9]).is_err());
    }

    #[test]
    fn what_the_program_packed_is_read_and_its_sum_is_looked_at() {
        assert_eq!(unpack(FROM_THE_PROGRAM).unwrap(), b"one\ntwo\n");
        let mut changed = FROM_THE_PROGRAM.to_vec();
        let last = changed.len() - 1;
        changed[last] ^= 1;
        assert!(unpack(&changed).unwrap_err().to_string().contains("checksum"));
    }
}
