//! The journal: many writers, one sync; torn ends; what may go.

use std::thread;

use super::*;

fn read(folder: &Folder) -> Replay {
    folder.replay()
}

#[test]
fn everything_committed_is_read_back_in_order() {
    let folder = Folder::new();
    let journal = folder.journal(0);
    thread::scope(|scope| {
        for node in 0..4 {
            let journal = &journal;
            scope.spawn(move || {
                for number in 0..50 {
                    journal.commit(journal.block(node, number, number / 10, &number.to_le_bytes())).unwrap();
                }
            });
        }
    });
    let replay = read(&folder);
    for node in 0..4 {
        let found: Vec<_> = replay.blocks.iter().filter(|block| block.node == node).collect();
        let numbers: Vec<_> = found.iter().map(|block| (block.number, block.group)).collect();
        assert_eq!(numbers, (0..50).map(|number| (number, number / 10)).collect::<Vec<_>>());
        assert!(found.iter().all(|block| block.bytes == block.number.to_le_bytes()));
    }
    assert!(replay.torn.is_empty());
}

#[test]
fn a_torn_end_is_left_out_wherever_it_is_cut() {
    let folder = Folder::new();
    let journal = folder.journal(0);
    let first = journal.block(0, 0, 0, b"first");
    let plan = took(5, 1);
    let second = journal.plan(&plan).unwrap();
    journal.commit(second).unwrap();
    let path = folder.0.join(&folder.names("journal-")[0]);
    let whole = std::fs::read(&path).unwrap();
    assert_eq!(whole.len() as u64, second);
    for at in 0..whole.len() as u64 {
        std::fs::write(&path, &whole[..at as usize]).unwrap();
        let replay = read(&folder);
        assert_eq!((replay.blocks.len(), replay.plans.len()), (usize::from(at >= first), 0), "cut at {at}");
        assert_eq!(replay.torn.is_empty(), at == 0 || at == first);
    }
}

#[test]
fn pages_go_once_their_batches_are_forgotten() {
    let folder = Folder::new();
    let journal = folder.journal(3);
    for time in 0..4 {
        journal.block(0, time, time, &[0; 100]);
        let plan = took(time as i64, time + 1);
        journal.commit(journal.plan(&plan).unwrap()).unwrap();
        journal.turn_page(1);
    }
    let needed = |time, taken| journal.first_needed(time, &BTreeMap::from([(0, taken)]));
    assert_eq!([needed(-1, 0), needed(0, 1), needed(1, 2), needed(1, 1), needed(9, 9)], [3, 4, 5, 4, 7]);
    journal.free_before(5).unwrap();
    assert_eq!(folder.names("journal-"), ["journal-000000-000005", "journal-000000-000006"]);
}

#[test]
fn a_journal_whose_folder_is_gone_says_so_and_works_once_it_is_back() {
    let folder = Folder::new();
    let keeper = Keeper::new(&folder.0, Arc::new(Plain), None).unwrap();
    let journal = keeper.journal();
    std::fs::remove_dir_all(&folder.0).unwrap();
    let lost = journal.block(0, 0, 0, b"lost");
    let problem = journal.commit(lost).unwrap_err().to_string();
    assert!(problem.contains(folder.0.to_str().unwrap()), "{problem}");
    keeper.write(snapshot(1, &state(vec![]))).unwrap_err();
    journal.commit(journal.block(0, 1, 0, b"kept")).unwrap();
    assert!(journal.commit(lost).is_err());
    let numbers: Vec<_> = read(&folder).blocks.iter().map(|block| block.number).collect();
    assert_eq!(numbers, [1]);
}

#[test]
fn a_full_file_names_the_next_one_which_is_missed_when_it_is_gone() {
    let folder = Folder::new();
    let journal = folder.journal(0);
    for number in 0..3 {
        journal.commit(journal.block(0, number, 0, &vec![7; 5 << 20])).unwrap();
    }
    drop(journal);
    assert_eq!(folder.names("journal-").len(), 2);
    let replay = read(&folder);
    assert_eq!((replay.blocks.len(), replay.lost.len(), replay.torn.len()), (3, 0, 0));
    std::fs::remove_file(folder.0.join("journal-000000-000001")).unwrap();
    let replay = read(&folder);
    assert!(replay.lost[0].contains("journal-000000-000001 cannot be read"), "{:?}", replay.lost);
    assert_eq!(replay.blocks.len(), 2);
}

#[test]
fn damage_before_good_records_is_a_loss_and_no_torn_end() {
    let folder = Folder::new();
    let journal = folder.journal(0);
    let places: Vec<u64> = (0..4).map(|number| journal.block(0, number, 0, b"some bytes")).collect();
    journal.commit(places[3]).unwrap();
    let path = folder.0.join("journal-000000-000000");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[places[0] as usize + 12] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let replay = read(&folder);
    assert_eq!((replay.blocks.len(), replay.torn.len()), (1, 0));
    assert!(replay.lost[0].contains("the 2 behind it held is lost"), "{:?}", replay.lost);
}

#[test]
fn after_a_failed_write_the_file_before_it_stays_needed() {
    let folder = Folder::new();
    let journal = folder.journal(0);
    journal.commit(journal.block(0, 0, 0, b"kept")).unwrap();
    journal.turn_page(0);
    // The next file is there already, and nobody's: it cannot be written.
    std::fs::create_dir(folder.0.join("journal-000000-000001")).unwrap();
    journal.commit(journal.block(0, 1, 0, b"lost")).unwrap_err();
    journal.commit(journal.block(0, 2, 0, b"kept too")).unwrap();
    assert_eq!(journal.first_needed(9, &BTreeMap::from([(0, 0)])), 0);
    std::fs::remove_dir(folder.0.join("journal-000000-000001")).unwrap();
    let numbers: Vec<_> = read(&folder).blocks.iter().map(|block| block.number).collect();
    assert_eq!(numbers, [0, 2]);
}

#[test]
fn plans_of_two_kinds_as_they_were_written_before_are_ranges() {
    let text = r#"{"time":5,"files":{"1":{"4":["/a"],"5":[[255]]}},"taken":{"0":7}}"#;
    let plan: Plan = serde_json::from_str(text).unwrap();
    let again = r#"{"time":5,"ranges":{"0":{"5":7},"1":{"4":["/a"],"5":[[255]]}}}"#;
    assert_eq!(serde_json::to_string(&plan).unwrap(), again);
    assert_eq!(serde_json::from_str::<Plan>(again).unwrap(), plan);
}

#[test]
fn inputs_of_three_kinds_as_they_were_written_before_are_known() {
    let input = |text: &str| serde_json::from_str::<InputState>(text).unwrap();
    let (chunk, other) = (input_chunk(3), input_chunk(4));
    let queue = format!(r#"{{"Queue":{{"left":[[[{chunk}]]],"empty":[[{other}]],"one_at_a_time":true}}}}"#);
    let queue = input(&queue);
    assert_eq!((queue.kind.as_str(), queue.settings.as_str()), ("queue", r#"{"one_at_a_time":true}"#));
    assert_eq!(serde_json::to_string(&queue.rdds).unwrap(), format!("[[[{other}]],[[{chunk}]]]"));
    let files = input(&format!(r#"{{"Files":{{"settings":"s","selected":{{"1000":{chunk}}}}}}}"#));
    assert_eq!((files.kind.as_str(), files.settings.as_str(), files.pieces.len()), ("files", "s", 1));
    assert_eq!(input(r#"{"Receiver":{"settings":"null"}}"#).kind, "receiver");
    let socket = input(r#"{"Receiver":{"settings":"{\"host\":\"h\"}"}}"#);
    assert_eq!((socket.kind.as_str(), socket.settings.as_str()), ("socket", r#"{"host":"h"}"#));
    for state in [queue, files, socket] {
        assert_eq!(input(&serde_json::to_string(&state).unwrap()), state);
    }
}

fn input_chunk(number: u64) -> String {
    serde_json::to_string(&serde_json::from_str::<ChunkId>(&number.to_string()).unwrap()).unwrap()
}
