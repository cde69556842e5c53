//! Bytes of any kind where a file, a record or a block should be: an error, quickly, and never a panic. `make fuzz` goes on
//! where these stop.

use proptest::prelude::*;

use super::*;
use crate::durable::frames::{self, Frames};

/// A good block, journal page or manifest, with some bytes changed and some cut off.
fn harmed(good: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let length = good.len();
    (prop::collection::vec((0..length, any::<u8>()), 0..6), 0..=length).prop_map(move |(changes, end)| {
        let mut bytes = good.clone();
        changes.into_iter().for_each(|(at, byte)| bytes[at] = byte);
        bytes.truncate(end);
        bytes
    })
}

fn block_bytes() -> Vec<u8> {
    encode(&pairs(&[("some text that is long".into(), 1), ("b".into(), 2)]), &Plain).unwrap()
}

fn page() -> Vec<u8> {
    let plan = took(5, 1);
    let mut bytes = Vec::new();
    let head = [1u64, 0, 0].map(u64::to_le_bytes).concat();
    frames::append(&mut bytes, 1, &[&head, &block_bytes()]);
    frames::append(&mut bytes, 2, &[&serde_json::to_vec(&plan).unwrap()]);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn a_block_of_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes, &Plain);
    }

    #[test]
    fn a_block_that_was_harmed_is_refused_or_can_be_written_again(bytes in harmed(block_bytes())) {
        if let Ok(block) = decode(&bytes, &Plain) {
            prop_assert!(encode(&block, &Plain).is_ok());
        }
    }

    #[test]
    fn a_page_that_was_harmed_gives_what_is_before_the_harm(bytes in harmed(page())) {
        let mut replay = Replay::default();
        let good = replay.add(&bytes);
        prop_assert!(good <= bytes.len() && page()[..good] == bytes[..good]);
        prop_assert_eq!(replay.blocks.len() + replay.plans.len(), Frames::new(&bytes[..good]).count());
    }

    #[test]
    fn a_record_with_a_good_checksum_and_any_body(kind in 0u8..4, body in prop::collection::vec(any::<u8>(), 0..60)) {
        let mut bytes = Vec::new();
        frames::append(&mut bytes, kind, &[&body]);
        let good = Replay::default().add(&bytes);
        prop_assert!(good == 0 || good == bytes.len());
    }
}
