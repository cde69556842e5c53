//! Whatever stands where a block should be: a block that can be written again, or an error.
#![no_main]

use _native::block::{Block, ClassTag, Objects};
use _native::durable::{Codec, decode, encode};
use _native::error::{EngineError, Result};
use libfuzzer_sys::fuzz_target;

struct Plain;

fn none<T>() -> Result<T> {
    Err(EngineError::Bug("no objects here".into()))
}

impl Codec for Plain {
    fn dump(&self, _objects: &dyn Objects) -> Result<Vec<u8>> {
        none()
    }
    fn load(&self, _bytes: &[u8], _count: usize) -> Result<Block> {
        none()
    }
    fn dump_class(&self, _class: &ClassTag) -> Result<Vec<u8>> {
        none()
    }
    fn load_class(&self, _bytes: &[u8]) -> Result<ClassTag> {
        none()
    }
}

fuzz_target!(|bytes: &[u8]| {
    // Panics inside of the reader are turned into errors; here they are looked for all the same, by the hook of the fuzzer.
    if let Ok(block) = decode(bytes, &Plain) {
        encode(&block, &Plain).expect("what was read can be written");
    }
});
