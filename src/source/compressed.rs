//! What is in a compressed file? Known by its ending, as Hadoop knows it.

use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bzip2::read::MultiBzDecoder;
use flate2::bufread;
use flate2::read::{MultiGzDecoder, ZlibDecoder};

use super::zstd::Frames;

/// Spark's size of Hadoop's buffers (`io.file.buffer.size`), in bytes: what one call of a codec takes in or makes.
const CALL: usize = 64 << 10;

/// How many bytes of a compressed file have been read, buffer by buffer, whatever has become of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Consumed(Arc<AtomicU64>);

impl Consumed {
    /// A file whose bytes are counted.
    pub(super) fn of<R: Read>(&self, file: R) -> impl Read + use<R> {
        BufReader::with_capacity(CALL, Counted { file, consumed: self.clone() })
    }

    /// So many.
    pub(super) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

struct Counted<R> {
    file: R,
    consumed: Consumed,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.consumed.0.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    /// `.gz`, also several of them in one file.
    Gzip,
    /// `.bz2`, also several of them in one file.
    Bzip2,
    /// `.deflate`: zlib's format.
    Deflate,
    /// `.zst`, also several of them in one file.
    Zstd,
    /// A known ending of a format that is not read here; as text it would give silent nonsense.
    Refused(&'static str),
}

/// The codec of a path, by its ending.
pub(super) fn codec_of(path: &Path) -> Option<Codec> {
    match path.extension()?.to_str()? {
        "gz" => Some(Codec::Gzip),
        "bz2" => Some(Codec::Bzip2),
        "deflate" => Some(Codec::Deflate),
        "lz4" => Some(Codec::Refused("lz4")),
        "snappy" => Some(Codec::Refused("snappy")),
        "zst" => Some(Codec::Zstd),
        _ => None,
    }
}

impl Codec {
    /// Whether Hadoop cuts such a file into splits.
    pub(super) fn is_divisible(self) -> bool {
        self == Self::Bzip2
    }

    /// The file's content. Of one that `may_be_cut`, or be damaged, what Java would give before it fails is given first.
    pub(super) fn reader(self, file: impl Read + Send + 'static, may_be_cut: bool) -> io::Result<Box<dyn Read + Send>> {
        if may_be_cut {
            let file = BufReader::with_capacity(CALL, file);
            match self {
                Self::Gzip => return Ok(Box::new(Calls::of(bufread::MultiGzDecoder::new(file)))),
                Self::Deflate => return Ok(Box::new(Calls::of(bufread::ZlibDecoder::new(file)))),
                _ => return self.reader(file.into_inner(), false),
            }
        }
        Ok(match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(file)),
            Self::Bzip2 => Box::new(MultiBzDecoder::new(file)),
            Self::Deflate => Box::new(ZlibDecoder::new(file)),
            Self::Zstd => Box::new(Frames::new(file)),
            Self::Refused(ending) => {
                let problem = format!("text compressed as .{ending} cannot be read");
                return Err(io::Error::new(ErrorKind::Unsupported, problem));
            }
        })
    }
}

/// Gives what a codec makes call by call, as Java's does: a call that fails gives nothing. The one that meets the end looks
/// at the checksum, too; here that is the call after it.
struct Calls<R> {
    source: R,
    /// What the last call made. It is given once the next one has said that it is right.
    last: Vec<u8>,
    given: io::Cursor<Vec<u8>>,
    end: Option<io::Result<()>>,
}

impl<R: Read> Calls<R> {
    fn of(source: R) -> Self {
        Self { source, last: Vec::new(), given: io::Cursor::default(), end: None }
    }

    fn call(&mut self) {
        let mut made = vec![0; CALL];
        match self.source.read(&mut made) {
            Ok(0) => self.end = Some(Ok(())),
            Ok(count) => {
                made.truncate(count);
                self.given = io::Cursor::new(std::mem::replace(&mut self.last, made));
                return;
            }
            Err(cause) if cause.kind() == ErrorKind::Interrupted => return,
            Err(cause) => {
                if is_checksum(&cause) {
                    self.last.clear();
                }
                self.end = Some(Err(cause));
            }
        }
        self.given = io::Cursor::new(std::mem::take(&mut self.last));
    }
}

/// Whether bytes were made whose checksum is another one. The crate tells this from a wrong header by its text alone.
fn is_checksum(cause: &io::Error) -> bool {
    cause.to_string().contains("checksum")
}

impl<R: Read> Read for Calls<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.given.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            match &mut self.end {
                None => self.call(),
                Some(end) => return std::mem::replace(end, Ok(())).map(|()| 0),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn given(bytes: &[u8]) -> (Vec<u8>, bool) {
        let mut text = Vec::new();
        let mut calls = Calls::of(bufread::MultiGzDecoder::new(BufReader::with_capacity(CALL, bytes)));
        let failed = calls.read_to_end(&mut text).is_err();
        (text, failed)
    }

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_was_made_before_the_end_of_a_cut_file_is_given() {
        let text: Vec<u8> = (0..100_000_u32).flat_map(|n| n.to_le_bytes()).collect();
        let whole = packed(&text);
        assert_eq!(given(&whole), (text.clone(), false));
        let (start, failed) = given(&whole[..whole.len() / 2]);
        assert!(failed && start.len() > text.len() / 4 && text.starts_with(&start));
        // The end of the bytes is there, that of the file is not.
        assert_eq!(given(&whole[..whole.len() - 3]), (text, true));
    }

    #[test]
    fn the_call_that_meets_a_wrong_checksum_gives_nothing() {
        let mut wrong = packed(b"a few bytes");
        let sum = wrong.len() - 8;
        wrong[sum] ^= 1;
        assert_eq!(given(&wrong), (Vec::new(), true));
        // What follows a whole file is no file: the first one is given.
        let junk = [packed(b"a few bytes"), b"and no header".to_vec()].concat();
        assert_eq!(given(&junk), (b"a few bytes".to_vec(), true));
    }
}
