//! Checkpoints that are written one after the other: what they cost, what they keep, what remains.

use proptest::prelude::*;

use super::*;

fn counts(keys: usize) -> Vec<(String, i64)> {
    (0..keys).map(|key| (format!("a key of some length {key}"), 0)).collect()
}

fn in_blocks(values: &[(String, i64)]) -> Vec<Vec<Block>> {
    vec![values.chunks(512).map(pairs).collect()]
}

#[test]
fn a_checkpoint_costs_what_the_batch_changed() {
    let folder = Folder::new();
    let keeper = Keeper::new(&folder.0, Arc::new(Plain), None).unwrap();
    let mut values = counts(40_000);
    let whole = keeper.write(snapshot(0, &state(in_blocks(&values)))).unwrap();
    let mut most = 0;
    for batch in 1..200 {
        for touched in 0..400 {
            values[(touched * 97 + batch as usize * 31) % 40_000].1 += batch;
        }
        most = most.max(keeper.write(snapshot(batch, &state(in_blocks(&values)))).unwrap());
        if batch % 50 == 0 {
            assert_eq!(restored(&folder.0), (batch, shown(&state(in_blocks(&values)))));
        }
    }
    assert!(most * 5 < whole, "{most} of {whole}");
    // Two of each file.
    assert!(folder.bytes() < 16 * whole + (16 << 20), "{} of {whole}", folder.bytes());
}

#[test]
fn blocks_that_do_not_change_are_not_written_again() {
    let folder = Folder::new();
    let keeper = Keeper::new(&folder.0, Arc::new(Plain), None).unwrap();
    let blocks = in_blocks(&counts(20_000));
    let whole = keeper.write(snapshot(0, &state(blocks.clone()))).unwrap();
    let mut changed = blocks.clone();
    changed[0][3] = pairs(&[("another".into(), 1)]);
    let second = keeper.write(snapshot(1, &state(changed.clone()))).unwrap();
    assert!(second * 20 < whole, "{second} of {whole}");
    assert_eq!(restored(&folder.0), (1, shown(&state(changed))));
}

#[test]
fn old_files_go_and_the_data_stay() {
    let folder = Folder::new();
    let keeper = Keeper::new(&folder.0, Arc::new(Plain), None).unwrap();
    let mut values = counts(100_000);
    for batch in 0..150 {
        // One half is never touched, and must survive the files it was first written to.
        for value in &mut values[50_000..] {
            value.1 += 1;
        }
        keeper.write(snapshot(batch, &state(in_blocks(&values)))).unwrap();
    }
    assert_eq!(folder.names("checkpoint-"), ["checkpoint-147.1", "checkpoint-148.1", "checkpoint-149.1"]);
    assert!(!folder.names("data-").contains(&"data-000001-000000".to_owned()));
    assert!(folder.bytes() < 200 << 20, "{}", folder.bytes());
    assert_eq!(restored(&folder.0), (149, shown(&state(in_blocks(&values)))));
}

#[test]
fn a_second_run_goes_on_in_files_of_its_own() {
    let folder = Folder::new();
    Keeper::new(&folder.0, Arc::new(Plain), None).unwrap().write(snapshot(1, &state(vec![vec![ints([1])]]))).unwrap();
    let recovery = open(&folder.0).unwrap();
    let keeper = Keeper::new(&folder.0, Arc::new(Plain), recovery.as_ref()).unwrap();
    keeper.write(snapshot(2, &state(vec![vec![ints([2])]]))).unwrap();
    assert_eq!(folder.names("checkpoint-"), ["checkpoint-1.1", "checkpoint-1.1.copy", "checkpoint-2.2"]);
    assert_eq!(restored(&folder.0), (2, shown(&state(vec![vec![ints([2])]]))));
}

#[test]
fn tables_are_the_whole_and_what_changed() {
    let folder = Folder::new();
    let keeper = Keeper::new(&folder.0, Arc::new(Plain), None).unwrap();
    assert!(keeper.wants_whole_tables());
    for (time, keeps, bytes) in [(1, 0..0, b"ab"), (2, 0..1, b"cd"), (3, 0..2, b"ef"), (4, 1..2, b"gh")] {
        let tables = vec![TablePart { table: 7, partition: 0, keeps, bytes: bytes.to_vec() }];
        keeper.write(Snapshot { tables, ..snapshot(time, &state(vec![])) }).unwrap();
    }
    assert!(!keeper.wants_whole_tables());
    let parts = [b"cd", b"gh"].map(|part| part.to_vec()).to_vec();
    assert_eq!(open(&folder.0).unwrap().unwrap().tables, [(7, 0, parts)]);
}

#[test]
fn a_table_that_rests_outlives_the_files_it_was_written_to() {
    let folder = Folder::new();
    let keeper = Keeper::new(&folder.0, Arc::new(Plain), None).unwrap();
    let resting = vec![7; 1 << 20];
    for time in 0..60 {
        let (keeps, bytes) = if time == 0 { (0..0, resting.clone()) } else { (0..1, vec![time as u8]) };
        let churning = TablePart { table: 2, partition: 0, keeps: 0..0, bytes: vec![time as u8; 1 << 20] };
        let tables = vec![TablePart { table: 1, partition: 0, keeps, bytes }, churning];
        keeper.write(Snapshot { tables, ..snapshot(time, &state(vec![])) }).unwrap();
    }
    assert!(!folder.names("data-").contains(&"data-000001-000000".to_owned()));
    let tables = open(&folder.0).unwrap().unwrap().tables;
    assert_eq!(tables, [(1, 0, vec![resting, vec![59]]), (2, 0, vec![vec![59; 1 << 20]])]);
}

#[test]
fn after_a_failure_everything_is_written_anew() {
    let folder = Folder::new();
    let keeper = Keeper::new(&folder.0, Arc::new(Plain), None).unwrap();
    let kept = state(vec![vec![ints(0..100)]]);
    keeper.write(snapshot(1, &kept)).unwrap();
    // The name of the next checkpoint is taken by a folder with something in it.
    std::fs::create_dir_all(folder.0.join("checkpoint-2.1/inside")).unwrap();
    let problem = keeper.write(snapshot(2, &kept)).unwrap_err().to_string();
    assert!(problem.contains("checkpoint-2.1"), "{problem}");
    assert!(keeper.wants_whole_tables());
    keeper.write(snapshot(3, &kept)).unwrap();
    assert_eq!(restored(&folder.0), (3, shown(&kept)));
}

#[test]
fn a_folder_that_went_away_is_made_again_after_one_failure() {
    let folder = Folder::new();
    let keeper = Keeper::new(&folder.0, Arc::new(Plain), None).unwrap();
    let kept = state(vec![vec![ints(0..100)]]);
    keeper.write(snapshot(1, &kept)).unwrap();
    std::fs::remove_dir_all(&folder.0).unwrap();
    keeper.write(snapshot(2, &kept)).unwrap_err();
    keeper.write(snapshot(3, &kept)).unwrap();
    assert_eq!(restored(&folder.0), (3, shown(&kept)));
}

fn changes() -> impl Strategy<Value = Vec<Vec<(usize, i64)>>> {
    prop::collection::vec(prop::collection::vec((0usize..60, -3i64..3), 0..12), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn what_is_read_is_what_was_written(rounds in changes(), size in 1usize..9) {
        let folder = Folder::new();
        let keeper = Keeper::new(&folder.0, Arc::new(Plain), None).unwrap();
        let mut values: Vec<(String, i64)> = Vec::new();
        for (time, round) in rounds.iter().enumerate() {
            for (at, change) in round {
                match values.get_mut(*at) {
                    Some(value) if *change == -3 => { value.0.push('x'); }
                    Some(_) if *change == 2 => { values.remove(*at); }
                    Some(value) => value.1 += change,
                    None => values.push((format!("key {at}"), *change)),
                }
            }
            let kept = state(vec![values.chunks(size).map(pairs).collect()]);
            keeper.write(snapshot(time as i64, &kept)).unwrap();
            prop_assert_eq!(restored(&folder.0), (time as i64, shown(&kept)));
        }
    }
}
