//! How does a block look in a file?
//!
//! 1. A frame is an Arrow IPC stream of one column and one batch, compressed with LZ4. A block of objects is one binary
//!    value: the bytes that the layer of the objects made of them.
//! 2. What only this process can know stays in memory: the kind of the elements, who can load objects, the checksum.

use std::io::{self, Cursor};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, LargeBinaryArray, RecordBatch};
use arrow_ipc::CompressionType;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};

use super::files::SpillFile;
use crate::block::{Block, Columns, Kind, LoadObjects, compact};
use crate::error::{EngineError, Result};

/// Where a block is in a file, and what is needed to read it.
#[derive(Debug)]
pub(super) struct Frame {
    offset: u64,
    length: usize,
    sum: u32,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Columns(Kind),
    Objects(LoadObjects),
}

impl Frame {
    /// The bytes of a block that is to be at `offset`.
    pub fn encode(block: &Block, offset: u64) -> Result<(Self, Vec<u8>)> {
        let (form, array) = match block {
            Block::Columns(columns) => (Form::Columns(columns.kind().clone()), compact(columns.array())?),
            Block::Objects(objects) => {
                let (bytes, load) = objects.dump()?;
                let array: ArrayRef = Arc::new(LargeBinaryArray::from_vec(vec![bytes.as_slice()]));
                (Form::Objects(load), array)
            }
        };
        let bytes = write_stream(array).map_err(|problem| EngineError::Bug(format!("a block to spill: {problem}")))?;
        Ok((Self { offset, length: bytes.len(), sum: checksum(&bytes), form }, bytes))
    }

    /// Its bytes in the file.
    pub fn length(&self) -> usize {
        self.length
    }

    /// The block, read back.
    pub fn read(&self, file: &SpillFile) -> Result<Block> {
        let bytes = file.read(self.offset, self.length)?;
        if checksum(&bytes) != self.sum {
            return Err(file.damaged(io::Error::new(io::ErrorKind::InvalidData, "the checksum does not fit")));
        }
        let array = read_stream(bytes).map_err(|problem| file.damaged(io::Error::other(problem)))?;
        match &self.form {
            Form::Columns(kind) => Ok(Block::Columns(Columns::new(kind.clone(), array))),
            Form::Objects(load) => load(array.as_binary::<i64>().value(0)),
        }
    }
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    sum.sum()
}

type Problem = Box<dyn std::error::Error + Send + Sync>;

fn write_stream(array: ArrayRef) -> Result<Vec<u8>, Problem> {
    let batch = RecordBatch::try_from_iter_with_nullable([("0", array, true)])?;
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &batch.schema(), options)?;
    writer.write(&batch)?;
    writer.finish()?;
    Ok(writer.into_inner()?)
}

fn read_stream(bytes: Vec<u8>) -> Result<ArrayRef, Problem> {
    let mut reader = StreamReader::try_new(Cursor::new(bytes), None)?;
    let batch = reader.next().ok_or("no batch")??;
    Ok(Arc::clone(batch.columns().first().ok_or("no column")?))
}
