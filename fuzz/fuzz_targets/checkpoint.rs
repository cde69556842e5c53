//! Whatever a checkpoint says: it is understood, or refused. The envelope is put around it, so that the checksum fits and
//! the contents are what is tried.
#![no_main]

use _native::durable::Manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(manifest) = serde_json::from_slice::<Manifest>(bytes) {
        let _ = manifest.chunks().count();
    }
});
