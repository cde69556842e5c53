//! Watched folders: the very files again, whatever has come since.

use std::fs::File;
use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::source::FileMonitorSpec;

/// Batches every 1000, from 100,000 on.
fn watched(folder: &Folder) -> Arc<dyn AnySource> {
    let spec = FileMonitorSpec::new(folder.inbox().to_str().unwrap(), 1000);
    Arc::new(Files::new(spec, Records::Lines, 100_000))
}

fn put(folder: &Folder, name: &str, number: i64, changed_ms: u64) {
    let path = folder.inbox().join(name);
    std::fs::write(&path, format!("{number}\n")).unwrap();
    let changed = UNIX_EPOCH + Duration::from_millis(changed_ms);
    File::options().write(true).open(path).unwrap().set_modified(changed).unwrap();
}

#[test]
fn a_batch_that_was_planned_has_the_same_files_and_the_next_one_the_others() {
    let folder = Folder::new();
    let run = Run::kept(&folder, false, || vec![watched(&folder)], |_| ());
    run.complete(100_000, 99_000);
    put(&folder, "one", 1, 100_500);
    assert_eq!(run.batch(101_000, &[0]), [[[1]]]);
    let told = run.inputs.info(101_000).remove(0).description.unwrap();
    assert!(told.ends_with("/inbox/one"), "{told}");
    drop(run);
    // It would have belonged to that batch, had it been there.
    put(&folder, "late", 2, 100_600);
    let run = Run::kept(&folder, false, Vec::new, |_| ());
    assert_eq!(run.batch(101_000, &[0]), [[[1]]]);
    assert_eq!(run.batch(102_000, &[0]), [[[2]]]);
    run.complete(102_000, 101_000);
    drop(run);
    let run = Run::kept(&folder, false, Vec::new, |_| ());
    assert!(run.batch(103_000, &[0])[0].is_empty(), "nothing is read twice");
    assert!(run.warnings.lock().unwrap().is_empty());
}

#[test]
fn what_a_window_asks_for_later_is_planned_with_the_batch_that_asks() {
    let folder = Folder::new();
    let run = Run::kept(&folder, false, || vec![watched(&folder)], |_| ());
    run.complete(100_000, 99_000);
    put(&folder, "one", 1, 100_500);
    assert_eq!(run.batch(101_000, &[]), Vec::<Vec<Vec<i64>>>::new());
    run.inputs.begin(102_000).unwrap();
    let at = |time| numbers(&run.inputs.rdd(0, time).unwrap());
    assert_eq!((at(101_000), at(102_000)), (vec![vec![1]], vec![]));
    run.inputs.planned(102_000).unwrap();
    drop(run);
    put(&folder, "late", 2, 100_600);
    let run = Run::kept(&folder, false, Vec::new, |_| ());
    let at = |time| numbers(&run.inputs.rdd(0, time).unwrap());
    assert_eq!((at(101_000), at(102_000), at(103_000)), (vec![vec![1]], vec![], vec![vec![2]]));
}

#[test]
fn a_folder_on_another_file_system_is_refused_at_the_start() {
    let run = Run::unkept();
    let files = Files::new(FileMonitorSpec::new("hdfs://host/x", 1000), Records::Lines, 0);
    let problem = run.inputs.start(0, Arc::new(files)).unwrap_err().to_string();
    assert!(problem.contains("No FileSystem for scheme \"hdfs\""), "{problem}");
}
