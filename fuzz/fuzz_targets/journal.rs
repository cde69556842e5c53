//! Whatever is in a journal file: the records at its beginning, and no more bytes than there are.
#![no_main]

use _native::durable::Replay;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut replay = Replay::default();
    assert!(replay.add(bytes) <= bytes.len());
});
