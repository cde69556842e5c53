//! Whose folder is it: two runs at once, one after the other, one that was paused; folders and files of others; links.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::durable::fencing::{Claim, Holder, Inherited, Locked, Standing, holder, may_begin, standing};

fn begin(folder: &Folder, recovered: Option<&Recovery>, locks: Locks) -> Result<Keeper> {
    Keeper::with(&folder.0, Arc::new(Plain), recovered, Trust::Own, locks)
}

fn problem<T>(outcome: Result<T>) -> String {
    outcome.map(drop).unwrap_err().to_string()
}

#[test]
fn a_run_begins_unless_a_lock_is_held_by_somebody_who_may_live() {
    use Holder::*;
    use Locked::*;
    for (locked, who, begins) in [
        (Yes, Lives, true),
        (Unsupported, Lives, true),
        (Busy, Unknown, false),
        (Busy, Lives, false),
        (Busy, Ended, true),
    ] {
        assert_eq!(may_begin(locked, who), begins, "{locked:?} {who:?}");
    }
}

#[test]
fn a_holder_has_ended_if_its_process_is_gone_or_another_one_or_the_machine_began_anew() {
    let claim =
        |host: &str, boot: &str, pid, began| Claim { host: host.into(), boot: boot.into(), pid, began, since: 0 };
    let here = claim("here", "boot", 7, 70);
    let of = |claim: &Claim, lives| holder(Some(claim), &here, lives);
    assert_eq!(holder(None, &here, None), Holder::Unknown);
    assert_eq!(of(&claim("there", "boot", 5, 50), None), Holder::Unknown);
    assert_eq!(of(&claim("here", "boot", 5, 50), Some(50)), Holder::Lives);
    assert_eq!(of(&claim("here", "boot", 5, 0), Some(50)), Holder::Lives);
    assert_eq!(of(&claim("here", "boot", 5, 50), Some(0)), Holder::Lives);
    assert_eq!(of(&claim("here", "boot", 5, 50), None), Holder::Ended);
    assert_eq!(of(&claim("here", "boot", 5, 50), Some(51)), Holder::Ended);
    assert_eq!(of(&claim("here", "earlier", 5, 50), Some(50)), Holder::Ended);
    assert_eq!(of(&here, Some(70)), Holder::Ended);
}

#[test]
fn the_newest_epoch_alone_may_write() {
    assert_eq!(standing(3, &[3]), Standing::Newest);
    assert_eq!(standing(3, &[2, 3]), Standing::Newest);
    assert_eq!(standing(3, &[3, 4]), Standing::Replaced);
    assert_eq!(standing(3, &[5]), Standing::Replaced);
    assert_eq!(standing(3, &[]), Standing::Gone);
    assert_eq!(standing(3, &[2]), Standing::Gone);
}

#[test]
fn what_older_runs_wrote_later_does_not_count() {
    let number = |epoch: u64, number: u64| epoch << 32 | number;
    let journals = BTreeMap::from([(number(2, 1), 100)]);
    let inherited = Inherited { below: 3, manifests: vec!["checkpoint-5.2".into()], first: number(2, 1), journals };
    assert!(
        inherited.has(2, "checkpoint-5.2") && !inherited.has(2, "checkpoint-6.2") && inherited.has(3, "checkpoint-6.3")
    );
    let limits = [number(2, 0), number(2, 1), number(2, 2), number(3, 0)].map(|number| inherited.limit(number));
    assert_eq!(limits, [None, Some(100), Some(0), None]);
    assert_eq!(Inherited::default().limit(number(1, 0)), None);
}

#[test]
fn a_second_run_is_refused_with_the_process_and_one_after_the_first_is_not() {
    let folder = Folder::new();
    let first = begin(&folder, None, Locks::Used).unwrap();
    assert!(problem(begin(&folder, None, Locks::Used)).contains("another stream of this process"));
    first.write(snapshot(1, &state(vec![vec![ints([1])]]))).unwrap();
    first.release();
    let recovery = open(&folder.0).unwrap();
    let second = begin(&folder, recovery.as_ref(), Locks::Used).unwrap();
    second.write(snapshot(2, &state(vec![vec![ints([2])]]))).unwrap();
    assert!(problem(first.write(snapshot(3, &state(vec![vec![ints([3])]])))).contains("the stream has stopped"));
    first.journal().commit(first.journal().block(0, 0, 0, b"late")).unwrap_err();
    assert_eq!(restored(&folder.0), (2, shown(&state(vec![vec![ints([2])]]))));
}

/// As another machine would: the note of the folders of this process does not know it.
fn take_over(folder: &Folder) {
    let epoch = folder.names("epoch-")[0].strip_prefix("epoch-").unwrap().parse::<u64>().unwrap();
    let later = fs::read(folder.0.join(format!("epoch-{epoch}"))).unwrap();
    fs::write(folder.0.join(format!("epoch-{}", epoch + 1)), later).unwrap();
    fs::remove_file(folder.0.join(format!("epoch-{epoch}"))).unwrap();
}

#[test]
fn one_that_was_replaced_is_told_and_its_writes_do_not_count() {
    let folder = Folder::new();
    let first = begin(&folder, None, Locks::Unused).unwrap();
    let kept = state(vec![vec![ints([1])]]);
    first.write(snapshot(1, &kept)).unwrap();
    let journal = first.journal();
    journal.commit(journal.block(0, 0, 0, b"acknowledged")).unwrap();
    take_over(&folder);
    for _ in 0..2 {
        assert!(matches!(first.check(), Err(EngineError::Replaced { .. })));
        let error = journal.commit(journal.block(0, 1, 0, b"refused")).unwrap_err();
        assert!(matches!(error, EngineError::Replaced { .. }), "{error}");
        let error = first.write(snapshot(2, &state(vec![vec![ints([2])]]))).unwrap_err();
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    }
    assert_eq!(restored(&folder.0), (1, shown(&kept)));
}

#[test]
fn a_takeover_keeps_what_was_acknowledged_and_leaves_out_what_came_later() {
    let folder = Folder::new();
    let (old, copy) = (Folder::new(), |name: &str, from: &Folder, to: &Folder| {
        fs::copy(from.0.join(name), to.0.join(name)).unwrap();
    });
    let first = begin(&folder, None, Locks::Unused).unwrap();
    let kept = state(vec![vec![ints([1])]]);
    first.write(snapshot(1, &kept)).unwrap();
    let acknowledged = first.journal().block(0, 0, 0, b"acknowledged");
    first.journal().commit(acknowledged).unwrap();
    drop(first);
    let recovery = open(&folder.0).unwrap();
    let second = begin(&folder, recovery.as_ref(), Locks::Unused).unwrap();
    // The first one wakes: what it appends is not acknowledged, but it is there, and so is a checkpoint.
    let journal = folder.names("journal-")[0].clone();
    let mut bytes = fs::read(folder.0.join(&journal)).unwrap();
    crate::durable::frames::append(&mut bytes, 1, &[&[0u64, 1, 0].map(u64::to_le_bytes).concat(), b"late"]);
    fs::write(folder.0.join(&journal), bytes).unwrap();
    copy("checkpoint-1.1", &folder, &old);
    fs::write(folder.0.join("checkpoint-9.1"), b"late").unwrap();
    second.journal().commit(second.journal().block(0, 1, 0, b"of the second")).unwrap();
    drop(second);
    let recovery = open(&folder.0).unwrap().unwrap();
    let blocks: Vec<_> = recovery.replay.blocks.iter().map(|block| (block.number, block.bytes.as_slice())).collect();
    assert_eq!(blocks, [(0, b"acknowledged".as_slice()), (1, b"of the second")]);
    assert_eq!((in_state(&recovery), recovery.warnings), ((1, shown(&kept)), Vec::<String>::new()));
}

#[test]
fn a_folder_that_changed_since_it_was_read_is_not_taken() {
    let folder = Folder::new();
    let first = begin(&folder, None, Locks::Unused).unwrap();
    first.write(snapshot(1, &state(vec![vec![ints([1])]]))).unwrap();
    let recovery = open(&folder.0).unwrap();
    first.write(snapshot(2, &state(vec![vec![ints([2])]]))).unwrap();
    drop(first);
    let told = problem(begin(&folder, recovery.as_ref(), Locks::Unused));
    assert!(told.contains("changed since it was read") && told.contains("process"), "{told}");
    // Nobody has lost anything.
    let recovery = open(&folder.0).unwrap();
    begin(&folder, recovery.as_ref(), Locks::Unused).unwrap().check().unwrap();
}

#[test]
fn of_many_that_begin_at_once_one_wins() {
    let folder = Folder::new();
    let others: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8).map(|_| scope.spawn(|| begin(&folder, None, Locks::Used))).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(others.iter().filter(|one| one.is_ok()).count(), 1);
}

#[test]
fn folders_that_others_may_change_are_refused() {
    let folder = Folder::new();
    drop(begin(&folder, None, Locks::Used).unwrap());
    for (mode, told) in [(0o777, Some("other users may write to the folder")), (0o770, Some("chmod")), (0o1777, None)] {
        fs::set_permissions(&folder.0, Permissions::from_mode(mode)).unwrap();
        match told {
            Some(told) => {
                assert!(problem(begin(&folder, None, Locks::Used)).contains(told), "{mode:o}");
                assert!(problem(open(&folder.0)).contains(told), "{mode:o}");
                let any = Keeper::with(&folder.0, Arc::new(Plain), None, Trust::Anybody, Locks::Used);
                assert!(any.is_ok(), "{mode:o}");
            }
            None => assert!(begin(&folder, None, Locks::Used).is_ok(), "{mode:o}"),
        }
    }
}

#[test]
fn planted_links_are_not_followed() {
    let (folder, elsewhere) = (Folder::new(), Folder::new());
    let target = elsewhere.0.join("precious");
    fs::write(&target, b"precious").unwrap();
    let keeper = begin(&folder, None, Locks::Used).unwrap();
    let draft = |name: &str| format!("{name}.{}.draft", std::process::id());
    for name in [draft("checkpoint-1.1"), "data-000001-000000.copy".into(), "journal-000001-000000".into()] {
        symlink(&target, folder.0.join(name)).unwrap();
    }
    let kept = state(vec![vec![ints([1])]]);
    for time in 1..4 {
        let _ = keeper.write(snapshot(time, &kept));
        let _ = keeper.journal().commit(keeper.journal().block(0, time as u64, 0, b"some"));
    }
    assert_eq!(fs::read(&target).unwrap(), b"precious");
    assert_eq!(restored(&folder.0), (3, shown(&kept)));
    drop(keeper);
    fs::remove_file(folder.0.join("lock")).unwrap();
    symlink(&target, folder.0.join("lock")).unwrap();
    begin(&folder, None, Locks::Used).map(drop).unwrap_err();
    // A checkpoint by way of a link is none.
    let name = folder.names("checkpoint-3")[0].clone();
    fs::rename(folder.0.join(&name), elsewhere.0.join(&name)).unwrap();
    symlink(elsewhere.0.join(&name), folder.0.join(&name)).unwrap();
    assert!(open(&folder.0).unwrap().unwrap().warnings.iter().any(|told| told.contains("it is a link")));
}

#[test]
fn a_folder_is_made_for_its_owner_alone() {
    let folder = Folder::new();
    let path = folder.0.join("above/below");
    drop(Keeper::new(&path, Arc::new(Plain), None).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o700);
}

#[test]
fn times_are_told_as_people_write_them() {
    for (at, text) in
        [(0, "1970-01-01 00:00:00 UTC"), (951_827_696_789, "2000-02-29 12:34:56 UTC"), (-1, "1969-12-31 23:59:59 UTC")]
    {
        assert_eq!(owner::utc(at), text);
    }
}
