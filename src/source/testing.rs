//! What the tests of this folder share: lines out of blocks, and folders that vanish after the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use arrow_array::{Array, StringViewArray};

use super::utf8;
use crate::block::{Block, Kind};

/// The lines of a block. Checks what the cutter leaves unchecked: the array is one that Arrow itself accepts.
pub(super) fn texts(block: &Block) -> Vec<String> {
    let Block::Columns(columns) = block else { panic!("not columns: {block:?}") };
    assert_eq!(columns.kind(), &Kind::Str);
    let array = columns.array().as_any().downcast_ref::<StringViewArray>().expect("Utf8View");
    StringViewArray::try_new(array.views().clone(), array.data_buffers().to_vec(), None).expect("sound views");
    array.iter().map(|line| line.expect("no nulls").to_owned()).collect()
}

/// `BufferedReader.readLine` until it gives null, over the decoded whole; lines above `max_line` bytes left out.
pub(super) fn read_lines(bytes: &[u8], max_line: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = Vec::new();
    let mut rest = bytes.iter().copied().peekable();
    let mut keep = |line: &mut Vec<u8>| {
        let line = std::mem::take(line);
        if line.len() <= max_line {
            lines.push(utf8::decode(&line).into_owned());
        }
    };
    while let Some(byte) = rest.next() {
        match byte {
            b'\n' => keep(&mut line),
            b'\r' => {
                rest.next_if_eq(&b'\n');
                keep(&mut line);
            }
            _ => line.push(byte),
        }
    }
    if !line.is_empty() {
        keep(&mut line);
    }
    lines
}

/// A new folder, removed when dropped.
pub(super) struct TempFolder(PathBuf);

impl TempFolder {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("dstreams-source-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().canonicalize().expect("a place for temporary files").join(name);
        fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file, with the folders on the way to it.
    pub(super) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("inside the folder")).expect("folders on the way");
        fs::write(&path, content).expect("a written file");
        path
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
