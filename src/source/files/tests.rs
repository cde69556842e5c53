//! Tests of `files.rs`.

use std::cell::RefCell;
use std::fs::{self, File};
use std::time::{Duration, UNIX_EPOCH};

use super::super::testing::TempFolder;
use super::*;

/// Made at 100 s, a batch every 10 s, remembering 20 s.
fn monitor(directory: &str) -> FileMonitor {
    let spec = FileMonitorSpec { min_remember_ms: 15_000, ..FileMonitorSpec::new(directory, 10_000) };
    FileMonitor::new(spec, 100_000).unwrap()
}

fn put(folder: &TempFolder, name: &str, changed_ms: u64) {
    let path = folder.file(name, "text\n");
    touch(&path, changed_ms);
}

fn touch(path: &Path, changed_ms: u64) {
    let time = UNIX_EPOCH + Duration::from_millis(changed_ms);
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

/// Names selected at a time, sorted: the system's own order is not ours to test.
fn names(monitor: &mut FileMonitor, time_ms: i64) -> Vec<String> {
    let files = monitor.new_files(time_ms, &|text| panic!("warned: {text}"));
    let mut names: Vec<_> = files.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_file_is_selected_once_in_the_batch_after_its_change() {
    let folder = TempFolder::new();
    let mut monitor = monitor(folder.path().to_str().unwrap());
    put(&folder, "before", 100_000);
    put(&folder, "first", 100_001);
    put(&folder, "edge", 110_000);
    put(&folder, "later", 110_001);
    assert_eq!(names(&mut monitor, 110_000), ["edge", "first"]);
    assert_eq!(names(&mut monitor, 120_000), ["later"]);
    assert_eq!(names(&mut monitor, 130_000), [""; 0]);
    assert_eq!(monitor.selected(120_000), [folder.path().join("later")]);
    assert!(monitor.selected(90_000).is_empty());
}

#[test]
fn a_late_file_counts_as_long_as_its_time_is_in_the_window() {
    let folder = TempFolder::new();
    let mut monitor = monitor(folder.path().to_str().unwrap());
    assert_eq!(names(&mut monitor, 140_000), [""; 0]);
    put(&folder, "in", 130_001);
    put(&folder, "out", 130_000);
    assert_eq!(names(&mut monitor, 150_000), ["in"]);
}

#[test]
fn a_file_changed_again_counts_again_once_it_is_forgotten() {
    let folder = TempFolder::new();
    let mut monitor = monitor(folder.path().to_str().unwrap());
    put(&folder, "a", 105_000);
    assert_eq!(names(&mut monitor, 110_000), ["a"]);
    touch(&folder.path().join("a"), 135_000);
    // The batch at 110 s is remembered up to and including the one at 140 s.
    assert_eq!(names(&mut monitor, 120_000), [""; 0]);
    assert_eq!(names(&mut monitor, 130_000), [""; 0]);
    assert_eq!(names(&mut monitor, 140_000), [""; 0]);
    assert_eq!(names(&mut monitor, 150_000), ["a"]);
}

#[test]
fn old_files_count_within_the_window_unless_only_new_ones_are_wanted() {
    let folder = TempFolder::new();
    let spec = FileMonitorSpec {
        new_files_only: false,
        min_remember_ms: 15_000,
        ..FileMonitorSpec::new(folder.path().to_str().unwrap(), 10_000)
    };
    let mut monitor = FileMonitor::new(spec, 100_000).unwrap();
    put(&folder, "old", 95_000);
    put(&folder, "ancient", 90_000);
    assert_eq!(names(&mut monitor, 110_000), ["old"]);
}

#[test]
fn dot_files_and_folders_are_left_out_but_underscores_are_not() {
    let folder = TempFolder::new();
    let mut monitor = monitor(&format!("file:{}", folder.path().display()));
    for name in [".hidden", "_SUCCESS", "plain", "sub/inside"] {
        put(&folder, name, 105_000);
    }
    let sub = File::open(folder.path().join("sub")).unwrap();
    sub.set_modified(UNIX_EPOCH + Duration::from_secs(105)).unwrap();
    assert_eq!(names(&mut monitor, 110_000), ["_SUCCESS", "plain"]);
    assert!(is_hidden("_x") && is_hidden(".x") && !is_hidden("x_"));
}

#[test]
fn a_pattern_watches_each_folder_it_matches() {
    let folder = TempFolder::new();
    let mut monitor = monitor(&format!("{}/in-*", folder.path().display()));
    put(&folder, "in-a/1", 105_000);
    put(&folder, "in-b/2", 105_000);
    put(&folder, "other/3", 105_000);
    put(&folder, "in-file", 105_000);
    assert_eq!(names(&mut monitor, 110_000), ["1", "2"]);
    put(&folder, "in-c/4", 115_000);
    assert_eq!(names(&mut monitor, 120_000), ["4"]);
}

#[test]
fn a_missing_folder_is_warned_of_once_until_it_comes_back() {
    let folder = TempFolder::new();
    let root = folder.path().to_str().unwrap().to_owned();
    let mut monitor = monitor(&format!("{root}/in"));
    let warnings = RefCell::new(Vec::new());
    let warn = |text: String| warnings.borrow_mut().push(text.replace(&root, "@"));
    let expected =
        "textFileStream: cannot list file:@/in (No such file or directory); trying again with each batch".to_owned();

    assert!(monitor.new_files(110_000, &warn).is_empty());
    assert!(monitor.new_files(120_000, &warn).is_empty());
    assert_eq!(warnings.borrow().join(" | "), expected);

    put(&folder, "in/a", 125_000);
    assert_eq!(monitor.new_files(130_000, &warn).len(), 1);
    fs::remove_dir_all(folder.path().join("in")).unwrap();
    assert!(monitor.new_files(140_000, &warn).is_empty());
    assert_eq!(*warnings.borrow(), [expected.clone(), expected]);
}

#[test]
fn a_stored_monitor_goes_on_where_it_was() {
    let folder = TempFolder::new();
    let mut before = monitor(folder.path().to_str().unwrap());
    put(&folder, "a", 105_000);
    assert_eq!(names(&mut before, 110_000), ["a"]);
    let stored = serde_json::to_string(&before).unwrap();
    let mut after: FileMonitor = serde_json::from_str(&stored).unwrap();
    put(&folder, "b", 115_000);
    assert_eq!(names(&mut after, 120_000), ["b"]);
    assert_eq!(after.selected(110_000), [folder.path().join("a")]);
}

#[test]
fn a_directory_elsewhere_is_refused() {
    assert!(FileMonitor::new(FileMonitorSpec::new("hdfs://h/x", 1000), 0).is_err());
    assert!(FileMonitor::new(FileMonitorSpec::new("/x", 0), 0).is_err());
}
