//! Which answers must the budget, the files and the parcels give?

use std::any::Any;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_array::builder::{Int64Builder, ListBuilder};
use arrow_array::{
    Array, ArrayRef, BinaryViewArray, BooleanArray, Float64Array, Int64Array, NullArray, StringViewArray,
};
use proptest::prelude::*;

use super::*;
use crate::block::{Block, Columns, Kind, LoadObjects, Objects, tuple_array};
use crate::error::EngineError;

/// A folder of a test, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("dstreams-test-{}-{number}", std::process::id()));
        fs::create_dir(&path).expect("a new folder");
        Self(path)
    }

    fn memory(&self, limit: usize) -> Arc<Memory> {
        let path = self.0.clone();
        Memory::new(limit, usize::MAX, Folders::new(move || Ok(vec![path.clone()])))
    }

    fn files(&self) -> Vec<PathBuf> {
        fs::read_dir(&self.0).expect("the folder").map(|entry| entry.expect("an entry").path()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn numbers(values: impl IntoIterator<Item = i64>) -> Block {
    Block::Columns(Columns::new(Kind::Int, Arc::new(Int64Array::from_iter_values(values))))
}

fn values(blocks: impl Iterator<Item = Result<Block>>) -> Result<Vec<i64>> {
    let mut all = Vec::new();
    for block in blocks {
        match block? {
            Block::Columns(columns) => {
                let array = columns.array().as_any().downcast_ref::<Int64Array>().expect("numbers");
                all.extend_from_slice(array.values());
            }
            Block::Objects(_) => panic!("only numbers were written"),
        }
    }
    Ok(all)
}

fn section(parcel: &Arc<Parcel>, at: usize) -> Result<Vec<i64>> {
    values(parcel.section(at).expect("it was not dropped"))
}

#[test]
fn a_buffer_counts_once_as_long_as_somebody_holds_it() {
    let memory = Folder::new().memory(1 << 20);
    let block = numbers(0..1000);
    let Block::Columns(columns) = &block else { panic!("numbers are columns") };
    let (mut first, mut second) = (Holding::new(&memory), Holding::new(&memory));
    first.add(&block);
    let whole = memory.held();
    assert!(whole >= 8000);
    second.add(&Block::Columns(columns.slice(10, 1)));
    assert_eq!(memory.held(), whole, "a slice pins the whole buffer, which counts already");
    drop(first);
    assert_eq!(memory.held(), whole, "the slice still pins it");
    drop(second);
    assert_eq!(memory.held(), 0);
}

#[test]
fn a_reservation_has_its_share_and_gives_it_back() {
    let memory = Folder::new().memory(400_000);
    let (_one, _two) = (memory.enter(), memory.enter());
    assert_eq!(memory.share(), 100_000);
    let mut mine = memory.reservation();
    assert!(mine.try_reserve(100_000).expect("nothing is written"));
    assert!(!mine.try_reserve(1).expect("nothing is written"), "more than the share");
    assert_eq!((mine.bytes(), memory.held()), (100_000, 100_000));
    mine.hold(500);
    assert_eq!(memory.held(), 100_500);
    drop(mine);
    assert_eq!(memory.held(), 0);
}

#[test]
fn a_task_always_gets_a_little() {
    let memory = Folder::new().memory(1);
    let mut mine = memory.reservation();
    assert!(mine.try_reserve(LEAST).expect("nothing is written"));
    assert!(!mine.try_reserve(1).expect("nothing is written"));
}

#[test]
fn asking_for_room_sends_the_parcel_used_longest_ago_to_a_file() {
    let folder = Folder::new();
    let memory = folder.memory(200_000);
    let mut parcels = Vec::new();
    for start in [0, 10_000] {
        let mut gathered = Gather::new(&memory, Level::MemoryAndDisk, 1);
        assert!(gathered.push(0, numbers(start..start + 10_000)).expect("there is room"));
        parcels.append(&mut gathered.close().expect("there is room"));
    }
    assert!(parcels.iter().all(|parcel| parcel.is_here()));
    assert_eq!(section(&parcels[0], 0).expect("in memory").len(), 10_000);
    let mut mine = memory.reservation();
    assert!(mine.try_reserve(90_000).expect("one parcel is written"));
    assert_eq!([parcels[0].is_here(), parcels[1].is_here()], [true, false], "the first was read last");
    assert_eq!(section(&parcels[1], 0).expect("from its file"), (10_000..20_000).collect::<Vec<_>>());
    assert_eq!(folder.files().len(), 1);
    drop(parcels);
    assert_eq!(folder.files(), Vec::<PathBuf>::new(), "nobody needs the file any more");
    assert_eq!(memory.held(), 90_000);
}

#[test]
fn readers_do_not_notice_that_a_parcel_moves() {
    let folder = Folder::new();
    let memory = folder.memory(1 << 20);
    let mut gathered = Gather::new(&memory, Level::MemoryAndDisk, 2);
    for start in 0..4 {
        gathered.push(1, numbers(start * 1000..(start + 1) * 1000)).expect("there is room");
    }
    let parcel = gathered.close().expect("there is room").remove(0);
    let mut reading = parcel.section(1).expect("it is there");
    let mut seen = values(reading.by_ref().take(2)).expect("in memory");
    assert!(!memory.make_room(1 << 20).expect("the parcel is written") || !parcel.is_here());
    assert!(!parcel.is_here());
    seen.extend(values(reading).expect("from the file"));
    assert_eq!(seen, (0..4000).collect::<Vec<_>>());
}

#[test]
fn what_is_in_memory_only_is_dropped_but_not_while_it_is_read() {
    let folder = Folder::new();
    let memory = folder.memory(1 << 20);
    let mut gathered = Gather::new(&memory, Level::Memory, 1);
    gathered.push(0, numbers(0..1000)).expect("there is room");
    let parcel = gathered.close().expect("there is room").remove(0);
    let reading = parcel.section(0).expect("it is there");
    memory.make_room(1 << 20).expect("nothing is written");
    assert_eq!(values(reading).expect("pinned").len(), 1000);
    memory.make_room(1 << 20).expect("nothing is written");
    assert!(parcel.section(0).is_none());
    assert!(parcel.pin().is_none());
    assert_eq!((memory.held(), folder.files().len()), (0, 0));
}

#[test]
fn memory_alone_says_when_it_is_full() {
    let memory = Folder::new().memory(100_000);
    let mut gathered = Gather::new(&memory, Level::Memory, 1);
    let fitting = (0..100).take_while(|_| gathered.push(0, numbers(0..1000)).expect("nothing is written")).count();
    assert!((8..=12).contains(&fitting), "{fitting} blocks of 8000 bytes in 100000");
    assert_eq!(gathered.take()[0].len(), fitting + 1, "the one that did not fit is not lost");
    assert_eq!(memory.held(), 0);
}

#[test]
fn small_columns_are_joined_in_files() {
    let folder = Folder::new();
    let memory = folder.memory(LEAST);
    let mut gathered = Gather::new(&memory, Level::MemoryAndDisk, 3);
    for value in 0..9000 {
        gathered.push(value as usize % 3, numbers([value])).expect("it is written");
    }
    let parcels = gathered.close().expect("it is written");
    assert!(folder.files().len() > 1, "more than one piece");
    for at in 0..3 {
        let blocks: Vec<_> = parcels.iter().flat_map(|parcel| parcel.section(at).expect("on disk")).collect();
        assert!(blocks.len() < 100, "{} blocks of 3000 values", blocks.len());
        let expected: Vec<i64> = (0..3000).map(|value| value * 3 + at as i64).collect();
        assert_eq!(values(blocks.into_iter()).expect("from files"), expected);
    }
}

fn on_disk(memory: &Arc<Memory>, block: Block) -> Arc<Parcel> {
    let mut gathered = Gather::new(memory, Level::Disk, 1);
    gathered.push(0, block).expect("it is written");
    gathered.close().expect("it is written").remove(0)
}

fn context_of(error: &EngineError) -> String {
    assert!(matches!(error, EngineError::External { .. }), "{error:?}");
    error.to_string()
}

#[test]
fn a_missing_or_damaged_file_is_an_error_that_names_it() {
    let folder = Folder::new();
    let memory = folder.memory(1 << 20);
    let parcel = on_disk(&memory, numbers(0..5000));
    let path = folder.files().remove(0);
    let intact = fs::read(&path).expect("the file");
    let mut damages: Vec<Vec<u8>> = [0, intact.len() / 2, intact.len() - 1]
        .map(|at| {
            let mut bytes = intact.clone();
            bytes[at] ^= 0x40;
            bytes
        })
        .to_vec();
    damages.push(intact[..intact.len() / 2].to_vec());
    for damaged in damages {
        fs::write(&path, damaged).expect("the file");
        let text = context_of(&section(&parcel, 0).expect_err("the file is damaged"));
        assert!(text.contains("gone or damaged") && text.contains(&path.display().to_string()), "{text}");
    }
    fs::remove_file(&path).expect("the file");
    assert!(context_of(&section(&parcel, 0).expect_err("the file is gone")).contains("gone or damaged"));
}

#[test]
fn a_folder_that_is_gone_is_an_error_and_loses_nothing() {
    let folder = Folder::new();
    let memory = folder.memory(100_000);
    let mut gathered = Gather::new(&memory, Level::MemoryAndDisk, 1);
    gathered.push(0, numbers(0..1000)).expect("there is room");
    let parcel = gathered.close().expect("there is room").remove(0);
    fs::remove_dir_all(&folder.0).expect("the folder");
    for _ in 0..2 {
        let text = context_of(&memory.make_room(100_000).expect_err("nowhere to write"));
        assert!(text.contains("spark.local.dir"), "{text}");
    }
    assert_eq!(section(&parcel, 0).expect("still in memory").len(), 1000);
}

/// Objects of the tests: text, dumped as its bytes.
#[derive(Debug)]
struct Text(Vec<u8>);

impl Objects for Text {
    fn len(&self) -> usize {
        1
    }

    fn bytes(&self) -> usize {
        self.0.len()
    }

    fn is_plain(&self) -> bool {
        true
    }
    fn dump(&self) -> Result<(Vec<u8>, LoadObjects)> {
        Ok((self.0.clone(), |bytes| Ok(Block::Objects(Arc::new(Text(bytes.to_vec()))))))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[test]
fn objects_come_back_through_their_own_bytes_compressed() {
    let folder = Folder::new();
    let memory = folder.memory(1 << 20);
    let text = b"again and ".repeat(10_000);
    let parcel = on_disk(&memory, Block::Objects(Arc::new(Text(text.clone()))));
    assert!(size_of_file(&folder.files()[0]) < text.len() as u64 / 10);
    let block = parcel.section(0).expect("on disk").next().expect("one block").expect("from the file");
    let Block::Objects(objects) = block else { panic!("it was no column") };
    assert_eq!(objects.as_any().downcast_ref::<Text>().expect("text").0, text);
}

fn size_of_file(path: &Path) -> u64 {
    fs::metadata(path).expect("the file").len()
}

/// A column of any kind, with nulls.
fn column() -> impl Strategy<Value = (Kind, ArrayRef)> {
    let leaf = prop_oneof![
        (0usize..50).prop_map(|n| (Kind::None, Arc::new(NullArray::new(n)) as ArrayRef)),
        prop::collection::vec(any::<Option<bool>>(), 0..50)
            .prop_map(|v| (Kind::Bool, Arc::new(BooleanArray::from(v)) as ArrayRef)),
        prop::collection::vec(any::<Option<i64>>(), 0..50)
            .prop_map(|v| (Kind::Int, Arc::new(Int64Array::from(v)) as ArrayRef)),
        prop::collection::vec(any::<Option<f64>>(), 0..50)
            .prop_map(|v| (Kind::Float, Arc::new(Float64Array::from(v)) as ArrayRef)),
        prop::collection::vec(prop::option::of(".{0,30}"), 0..50)
            .prop_map(|v| (Kind::Str, Arc::new(StringViewArray::from_iter(v)) as ArrayRef)),
        prop::collection::vec(prop::option::of(prop::collection::vec(any::<u8>(), 0..30)), 0..50)
            .prop_map(|v| (Kind::Bytes, Arc::new(BinaryViewArray::from_iter(v)) as ArrayRef)),
        prop::collection::vec(prop::option::of(prop::collection::vec(any::<Option<i64>>(), 0..5)), 0..50).prop_map(
            |lists| {
                let mut made = ListBuilder::new(Int64Builder::new());
                lists.into_iter().for_each(|list| made.append_option(list));
                (Kind::List(Box::new(Kind::Int)), Arc::new(made.finish()) as ArrayRef)
            }
        ),
    ];
    leaf.prop_recursive(2, 6, 1, |inner| {
        inner.prop_map(|(kind, array)| {
            let kind = Kind::Tuple { items: vec![kind.clone(), kind], class: None };
            let array = tuple_array(vec![Arc::clone(&array), array], None).expect("equally long");
            (kind, array)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_slice_of_any_column_comes_back_as_it_was((kind, array) in column(), cut in 0.0..1.0f64, part in 0.0..=1.0f64) {
        let offset = (array.len() as f64 * cut) as usize;
        let length = ((array.len() - offset) as f64 * part) as usize;
        prop_assume!(length > 0);
        let sliced = array.slice(offset, length);
        let folder = Folder::new();
        let parcel = on_disk(&folder.memory(1 << 20), Block::Columns(Columns::new(kind.clone(), Arc::clone(&sliced))));
        let block = parcel.section(0).expect("on disk").next().expect("one block").expect("from the file");
        let Block::Columns(columns) = block else { panic!("it was a column") };
        prop_assert_eq!(columns.kind(), &kind);
        prop_assert_eq!(columns.array().data_type(), sliced.data_type());
        prop_assert_eq!(columns.array().to_data(), sliced.to_data());
    }

    #[test]
    fn order_is_kept_whatever_the_budget(
        pieces in prop::collection::vec((0usize..3, 1i64..600), 0..60),
        limit in prop_oneof![Just(1usize), 10_000usize..100_000, Just(usize::MAX - 1)],
    ) {
        let folder = Folder::new();
        let memory = folder.memory(limit);
        let mut gathered = Gather::new(&memory, Level::MemoryAndDisk, 3);
        let mut expected = vec![Vec::new(); 3];
        let mut next = 0;
        for (at, count) in pieces {
            expected[at].extend(next..next + count);
            gathered.push(at, numbers(next..next + count)).expect("it is written");
            next += count;
        }
        let parcels = gathered.close().expect("it is written");
        for (at, expected) in expected.iter().enumerate() {
            let found = values(parcels.iter().flat_map(|parcel| parcel.section(at).expect("not dropped")));
            prop_assert_eq!(&found.expect("readable"), expected);
        }
        drop((parcels, gathered));
        prop_assert_eq!((memory.held(), folder.files().len()), (0, 0));
    }
}
