//! What is in a compressed file? Known by its ending, as Hadoop knows it.

use std::io::{self, ErrorKind, Read};
use std::path::Path;

use bzip2::read::MultiBzDecoder;
use flate2::read::{MultiGzDecoder, ZlibDecoder};

use super::open::Opened;
use super::zstd::Frames;

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

    /// The file's content.
    pub(super) fn reader(self, file: Opened) -> io::Result<Box<dyn Read + Send>> {
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
