//! Random histories of a folder, and then one file of it is damaged or removed: what is left?
//!
//! Whatever the file is, one of the checkpoints that are kept can be used and holds exactly what it held; received blocks and
//! plans are all there, or what is missing is told.

use std::fs;

use proptest::prelude::*;

use super::*;

/// What a folder must give back: the state of each checkpoint that is kept, and what the journal had.
struct History {
    folder: Folder,
    states: BTreeMap<i64, Vec<Vec<String>>>,
    blocks: Vec<u64>,
    /// Blocks before this one are processed.
    taken: u64,
}

/// A history: rounds with what changes in the state, how many blocks are received, and after which rounds a new run begins.
fn play(rounds: &[(Vec<(usize, i64)>, u64)], restarts: &[usize], size: usize) -> History {
    let folder = Folder::new();
    let mut keeper = Keeper::new(&folder.0, Arc::new(Plain), None).unwrap();
    let (mut values, mut states, mut number) = (Vec::<(String, i64)>::new(), BTreeMap::new(), 0u64);
    let mut taken = 0;
    for (round, (changes, received)) in rounds.iter().enumerate() {
        let time = round as i64;
        for (at, change) in changes {
            match values.get_mut(*at) {
                Some(value) => value.1 += change,
                None => values.push((format!("key {}", values.len()), *change)),
            }
        }
        let journal = keeper.journal();
        let plan = took(time, number);
        journal.commit(journal.plan(&plan).unwrap()).unwrap();
        let kept = state(vec![values.chunks(size).map(pairs).collect()]);
        taken = number.saturating_sub(2);
        let wanted = Snapshot { taken: BTreeMap::from([(0, taken)]), ..snapshot(time, &kept) };
        let tables = vec![TablePart { table: 1, partition: 0, keeps: 0..round.min(3), bytes: vec![round as u8; 9] }];
        let functions = Arc::new(format!("functions {}", round / 2).into_bytes());
        keeper.write(Snapshot { tables, functions, ..wanted }).unwrap();
        states.insert(time, shown(&kept));
        for _ in 0..*received {
            journal.commit(journal.block(0, number, 0, &[number as u8; 40])).unwrap();
            number += 1;
        }
        if restarts.contains(&round) {
            drop(keeper);
            let recovery = open(&folder.0).unwrap();
            keeper = Keeper::new(&folder.0, Arc::new(Plain), recovery.as_ref()).unwrap();
        }
    }
    drop(keeper);
    History { folder, states, blocks: (0..number).collect(), taken }
}

/// What is found is right, or what is missing is told.
fn look(history: &History, what: &str) {
    let recovery = match open(&history.folder.0) {
        Ok(Some(recovery)) => recovery,
        Ok(None) => panic!("{what}: the folder counts as empty"),
        Err(problem) => panic!("{what}: none can be used: {problem}"),
    };
    let (time, found) = in_state(&recovery);
    assert_eq!(Some(&found), history.states.get(&time), "{what}");
    let blocks: Vec<u64> = recovery.replay.blocks.iter().map(|block| block.number).collect();
    assert!(blocks.iter().zip(blocks.iter().skip(1)).all(|(a, b)| a < b), "{what}: {blocks:?}");
    let wanted = history.blocks.iter().filter(|number| **number >= history.taken);
    let missing: Vec<u64> = wanted.copied().filter(|number| !blocks.contains(number)).collect();
    let told = !recovery.warnings.is_empty();
    assert!(missing.is_empty() || told, "{what}: {missing:?} are missing, and nothing was said");
    let plans = (time + 1..history.states.len() as i64).filter(|time| !recovery.replay.plans.contains_key(time));
    assert!(plans.count() == 0 || told, "{what}: plans are missing, and nothing was said");
}

fn rounds() -> impl Strategy<Value = Vec<(Vec<(usize, i64)>, u64)>> {
    prop::collection::vec((prop::collection::vec((0usize..40, 1i64..5), 0..8), 0u64..4), 1..9)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn one_file_that_is_damaged_or_gone_leaves_a_checkpoint_that_is_right(
        rounds in rounds(),
        restarts in prop::collection::vec(0usize..8, 0..2),
        size in 1usize..9,
        places in prop::collection::vec((any::<prop::sample::Index>(), 0u8..3, any::<u8>()), 3),
    ) {
        let history = play(&rounds, &restarts, size);
        look(&history, "as it was");
        for name in history.folder.names("") {
            let path = history.folder.0.join(&name);
            let whole = fs::read(&path).unwrap();
            fs::remove_file(&path).unwrap();
            look(&history, &format!("without {name}"));
            for (place, how, byte) in places.iter().filter(|_| !whole.is_empty()) {
                let at = place.index(whole.len());
                let mut harmed = whole.clone();
                match how {
                    // The end of a journal is where a crash leaves it: what is cut off between two records was never there.
                    0 if !name.starts_with("journal-") => harmed.truncate(at),
                    1 => harmed[at..].iter_mut().take(512).for_each(|harmed| *harmed = 0),
                    _ => harmed[at] ^= byte | 1,
                }
                fs::write(&path, &harmed).unwrap();
                look(&history, &format!("{name} at {at}"));
            }
            fs::write(&path, &whole).unwrap();
            fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        }
        look(&history, "as it was again");
    }
}
