//! Files that were cut, changed, or written by somebody else.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

fn two_checkpoints(folder: &Folder) {
    let keeper = Keeper::new(&folder.0, Arc::new(Plain), None).unwrap();
    keeper.write(snapshot(1, &state(vec![vec![ints([1, 2, 3])]]))).unwrap();
    let plan = Plan { time: 2, ..Plan::default() };
    keeper.journal().commit(keeper.journal().plan(&plan).unwrap()).unwrap();
    keeper.write(snapshot(2, &state(vec![vec![ints([1, 2, 4])], vec![pairs(&[("a".into(), 1)])]]))).unwrap();
}

/// Does something to each file in turn; whatever it is, reading gives one of the two checkpoints as it was.
fn survives(harm: impl Fn(&[u8], usize) -> Option<Vec<u8>>) {
    let folder = Folder::new();
    two_checkpoints(&folder);
    let first = (1, shown(&state(vec![vec![ints([1, 2, 3])]])));
    let second = (2, shown(&state(vec![vec![ints([1, 2, 4])], vec![pairs(&[("a".into(), 1)])]])));
    for name in folder.names("") {
        let path = folder.0.join(&name);
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let Some(harmed) = harm(&whole, at) else { continue };
            fs::write(&path, harmed).unwrap();
            match open(&folder.0) {
                Ok(Some(recovery)) => {
                    let found = in_state(&recovery);
                    assert!(found == first || found == second, "{name} at {at}: {found:?}");
                    if name == "checkpoint-2.1" {
                        assert_eq!(found, first, "{name} at {at}");
                    }
                }
                Ok(None) => panic!("{name} at {at}: the folder counts as empty"),
                Err(problem) => panic!("{name} at {at}: none can be used: {problem}"),
            }
        }
        fs::write(&path, whole).unwrap();
    }
    assert_eq!(restored(&folder.0), second);
}

#[test]
fn a_file_cut_at_any_byte_is_noticed() {
    survives(|whole, at| Some(whole[..at].to_vec()));
}

#[test]
fn a_changed_byte_is_noticed() {
    survives(|whole, at| {
        let mut changed = whole.to_vec();
        changed[at] ^= 1 << (at % 8);
        Some(changed)
    });
}

#[test]
fn a_damaged_newest_checkpoint_is_told_and_the_one_before_counts() {
    let folder = Folder::new();
    two_checkpoints(&folder);
    fs::write(folder.0.join("checkpoint-2.1"), b"dstreams").unwrap();
    let recovery = open(&folder.0).unwrap().unwrap();
    assert_eq!(recovery.manifest.time, 1);
    assert!(recovery.warnings[0].contains("checkpoint-2.1 cannot be used: it is cut short"), "{:?}", recovery.warnings);
    assert!(recovery.replay.plans.contains_key(&2));
}

#[test]
fn a_folder_without_a_good_checkpoint_says_what_to_do() {
    let folder = Folder::new();
    assert!(open(&folder.0).unwrap().is_none());
    assert!(open(&folder.0.join("none")).unwrap().is_none());
    fs::write(folder.0.join("checkpoint-1700000000000"), b"\xac\xed\x00\x05 what Spark writes").unwrap();
    let problem = open(&folder.0).map(drop).unwrap_err().to_string();
    assert!(problem.contains("was not written by dstreams") && problem.contains("remove this one"), "{problem}");
}

#[test]
fn a_file_that_others_may_write_is_refused_unless_told_otherwise() {
    let folder = Folder::new();
    two_checkpoints(&folder);
    for name in folder.names("checkpoint-") {
        fs::set_permissions(folder.0.join(name), fs::Permissions::from_mode(0o666)).unwrap();
    }
    let problem = open(&folder.0).map(drop).unwrap_err().to_string();
    assert!(problem.contains("other users may write to it"), "{problem}");
    let trusted = Recovery::open(&folder.0, &Plain, Trust::Anybody).unwrap();
    assert_eq!(trusted.unwrap().manifest.time, 2);
}

#[test]
fn files_are_readable_by_their_owner_alone() {
    let folder = Folder::new();
    two_checkpoints(&folder);
    for name in folder.names("") {
        let mode = fs::metadata(folder.0.join(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
