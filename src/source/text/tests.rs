//! Tests of `text.rs`.

use std::io::Write;

use proptest::prelude::*;

use super::super::testing::{TempFolder, read_lines, texts};
use super::*;

fn input(len: u64) -> InputFile {
    InputFile { path: "f".into(), len }
}

fn ranges(lengths: &[u64], min_partitions: usize) -> Vec<(u64, u64)> {
    let inputs: Vec<_> = lengths.iter().copied().map(input).collect();
    splits(&inputs, &Reading::default(), Api::Older(min_partitions))
        .iter()
        .map(|split| (split.start, split.length))
        .collect()
}

/// Names of the listed files, relative to the folder.
fn listed(folder: &TempFolder, spec: &str) -> Vec<String> {
    let inputs = list_inputs(&spec.replace('@', folder.path().to_str().unwrap()), &Reading::default()).unwrap();
    let name = |input: &InputFile| input.path.strip_prefix(folder.path()).unwrap().to_str().unwrap().to_owned();
    inputs.iter().map(name).collect()
}

fn refused(folder: &TempFolder, spec: &str) -> String {
    let root = folder.path().to_str().unwrap();
    list_inputs(&spec.replace('@', root), &Reading::default()).unwrap_err().to_string().replace(root, "@")
}

/// The lines of a file, one list per split.
fn lines_of(path: &Path, min_partitions: usize) -> Vec<Vec<String>> {
    let inputs = list_inputs(path.to_str().unwrap(), &Reading::default()).unwrap();
    splits(&inputs, &Reading::default(), Api::Older(min_partitions))
        .iter()
        .map(|split| texts(&read_split(split, &Reading::default()).unwrap()))
        .collect()
}

#[test]
fn splits_are_cut_as_hadoop_cuts_them() {
    assert_eq!(ranges(&[100], 2), [(0, 50), (50, 50)]);
    assert_eq!(ranges(&[101], 2), [(0, 50), (50, 51)]); // 51 is within the slop
    assert_eq!(ranges(&[7], 3), [(0, 2), (2, 2), (4, 2), (6, 1)]);
    assert_eq!(ranges(&[10, 90], 2), [(0, 10), (0, 50), (50, 40)]);
    assert_eq!(ranges(&[0], 2), []);
    assert_eq!(ranges(&[2], 5), [(0, 1), (1, 1)]);
    assert_eq!(ranges(&[10], 0), [(0, 10)]);
    assert_eq!(ranges(&[40 << 20], 1), [(0, 32 << 20), (32 << 20, 8 << 20)]);
    assert_eq!(ranges(&[35 << 20], 1), [(0, 35 << 20)]);
}

#[test]
fn a_line_belongs_to_the_split_in_which_it_begins() {
    let folder = TempFolder::new();
    // offsets                        0  3  6   10
    let path = folder.file("a.txt", "aa\nbb\nccc\nd");
    let split =
        |start, length| texts(&read_split(&Split { path: path.clone(), start, length }, &Reading::default()).unwrap());
    assert_eq!(split(0, 2), ["aa"]);
    assert_eq!(split(0, 3), ["aa", "bb"]); // begins exactly at the end
    assert_eq!(split(3, 3), ["ccc"]);
    assert_eq!(split(7, 1), [""; 0]);
    assert_eq!(split(7, 4), ["d"]);
    assert_eq!(split(10, 1), [""; 0]);
}

#[test]
fn splits_hold_the_lines_that_spark_recorded() {
    // The program `text_file_cuts_by_bytes_and_a_line_belongs_where_it_begins`, answered by Spark 3.5.9.
    let folder = TempFolder::new();
    let path = folder.file("poem.txt", "aa\nbbbb\nc\n\ndddddd\nee\nf\n");
    let lines = |min_partitions| lines_of(&path, min_partitions).iter().map(|one| one.join(" ")).collect::<Vec<_>>();
    assert_eq!(lines(1), ["aa bbbb c  dddddd ee f"]);
    assert_eq!(lines(2), ["aa bbbb c  dddddd", "ee f"]);
    assert_eq!(lines(3), ["aa bbbb", "c  dddddd", "ee f", ""]);
    assert_eq!(lines(4), ["aa bbbb", "c ", "dddddd", "ee", "f"]);
}

#[test]
fn a_compressed_file_is_one_split_unless_it_can_be_cut() {
    let count = |name: &str| {
        splits(&[InputFile { path: name.into(), len: 100 << 20 }], &Reading::default(), Api::Older(8)).len()
    };
    assert_eq!([count("/a.gz"), count("/a.deflate"), count("/a.zst"), count("/a.bz2")], [1, 1, 1, 8]);
}

#[test]
fn several_gzip_files_in_one_are_read_on() {
    let folder = TempFolder::new();
    let mut bytes = Vec::new();
    for text in ["one\ntw", "o\nthree"] {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        bytes.extend(encoder.finish().unwrap());
    }
    assert_eq!(lines_of(&folder.file("a.gz", bytes), 4), [["one", "two", "three"]]);
}

#[test]
fn lines_of_zstd_files_are_read() {
    let folder = TempFolder::new();
    let bytes = [crate::source::zstd::pack(b"one\ntw"), crate::source::zstd::pack(b"o\nthree")].concat();
    assert_eq!(lines_of(&folder.file("a.zst", bytes), 4), [["one", "two", "three"]]);
}

#[test]
fn the_first_split_of_a_bzip2_file_has_its_lines() {
    let folder = TempFolder::new();
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(b"one\ntwo\n").unwrap();
    let found = lines_of(&folder.file("a.bz2", encoder.finish().unwrap()), 3);
    assert_eq!((found.len(), found.concat()), (3, vec!["one".to_owned(), "two".to_owned()]));
}

#[test]
fn other_formats_are_refused_and_what_is_damaged_says_so() {
    let folder = TempFolder::new();
    for (name, problem) in [("a.lz4", "text compressed as .lz4 cannot be read"), ("a.gz", "invalid gzip header")] {
        let path = folder.file(name, "not compressed at all\n");
        let split = Split { path: path.clone(), start: 0, length: 22 };
        assert_eq!(
            read_split(&split, &Reading::default()).unwrap_err().to_string(),
            format!("file:{}: {problem}", path.display())
        );
    }
}

#[test]
fn a_byte_order_mark_is_not_text() {
    let folder = TempFolder::new();
    assert_eq!(lines_of(&folder.file("a", "\u{feff}one\n\u{feff}two"), 1), [["one", "\u{feff}two"]]);
    assert_eq!(lines_of(&folder.file("b", "\u{feff}"), 1), [[""; 0]]);
    assert_eq!(lines_of(&folder.file("c", "\u{feff}\n"), 1), [[""]]);
    assert_eq!(lines_of(&folder.file("d", "\u{feff}one\ntwo\n"), 20).concat(), ["one", "two"]);
}

#[test]
fn an_empty_file_has_a_split_only_where_that_is_asked_for() {
    let folder = TempFolder::new();
    let path = folder.file("a", "");
    assert!(lines_of(&path, 2).is_empty());
    let keeping = Reading { keeps_empty: true, ..Reading::default() };
    let kept = splits(&[InputFile { path: path.clone(), len: 0 }], &keeping, Api::Older(2));
    assert_eq!(kept.iter().map(|split| (split.start, split.length)).collect::<Vec<_>>(), [(0, 0)]);
    assert_eq!(texts(&read_split(&kept[0], &keeping).unwrap()), [""; 0]);
}

#[test]
fn lists_patterns_and_folders_name_files() {
    let folder = TempFolder::new();
    for name in ["d/a.txt", "d/_SUCCESS", "d/.a.txt.crc", "d/b.txt", "x[1].txt", "y.txt", "_hidden.txt"] {
        folder.file(name, "1234");
    }
    assert_eq!(listed(&folder, "@/y.txt,file:@/d/{b,a}.txt"), ["y.txt", "d/a.txt", "d/b.txt"]);
    assert_eq!(listed(&folder, "file://@/*.txt"), ["x[1].txt", "y.txt"]);
    assert_eq!(listed(&folder, "@/x\\[1\\].txt"), ["x[1].txt"]);
    let mut in_folder = listed(&folder, "@/d");
    in_folder.sort();
    assert_eq!(in_folder, ["d/a.txt", "d/b.txt"]);
    assert_eq!(list_inputs(folder.path().join("y.txt").to_str().unwrap(), &Reading::default()).unwrap()[0].len, 4);
}

#[test]
fn what_cannot_be_read_is_named() {
    let folder = TempFolder::new();
    for name in ["d/e/x", "_hidden.txt"] {
        folder.file(name, "");
    }
    assert_eq!(refused(&folder, "@/none.txt"), "Input path does not exist: file:@/none.txt");
    assert_eq!(refused(&folder, "@/_hidden.txt"), "Input path does not exist: file:@/_hidden.txt");
    assert_eq!(refused(&folder, "@/*.csv"), "Input Pattern file:@/*.csv matches 0 files");
    assert_eq!(
        refused(&folder, "@/d"),
        "Path: @/d/e is a directory, which is not supported by the record reader when \
         `mapreduce.input.fileinputformat.input.dir.recursive` is false."
    );
    assert_eq!(refused(&folder, "@/d,@/none"), "Input path does not exist: file:@/none");
    assert!(refused(&folder, "hdfs://h/x").starts_with("No FileSystem for scheme \"hdfs\""));
    let gone = Split { path: folder.path().join("gone"), start: 0, length: 3 };
    assert!(matches!(read_split(&gone, &Reading::default()), Err(EngineError::MissingInput { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_splits_together_give_the_lines_of_the_file(
        content in proptest::collection::vec(
            prop_oneof![2 => Just(b'\n'), 2 => Just(b'\r'), 3 => Just(b'a'), 1 => any::<u8>()], 0..60),
        min_partitions in 0_usize..70,
    ) {
        let folder = TempFolder::new();
        let path = folder.file("a.txt", &content);
        let whole = read_lines(content.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&content), usize::MAX);
        prop_assert_eq!(&lines_of(&path, 1).concat(), &whole);
        prop_assert_eq!(lines_of(&path, min_partitions).concat(), whole);
    }
}
