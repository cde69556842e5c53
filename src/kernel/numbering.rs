//! How are the rows of a column numbered by their keys? Many at a time, because look-ups wait for memory.
//!
//! For a group of rows: first all hashes, then for each the number that its key most likely has, then whether it is that
//! key. None of these steps waits for the one before it in another row. What is left, new keys above all, goes row by row,
//! and finds the memory it needs in the caches.

use std::hash::BuildHasher;

use arrow_array::cast::AsArray;
use arrow_array::types::{BinaryViewType, ByteViewType, StringViewType};
use arrow_array::{Array, ArrayRef, GenericByteViewArray};
use arrow_buffer::NullBuffer;
use hashbrown::{DefaultHashBuilder, HashTable};

use super::distinct::Seen;
use super::encode::Encoder;
use super::texts::Texts;

/// No key's number.
const NONE: u32 = u32::MAX;

/// Rows of a group.
const GROUP: usize = if cfg!(test) { 4 } else { 64 };

/// Rows of a column after which it is guessed how many keys it has, because a table that grows step by step puts every key
/// into its place several times. A multiple of `GROUP`.
const SAMPLE: usize = if cfg!(test) { 8 } else { 2048 };
/// Most keys that room is made for at once: a column may begin with other keys than it ends.
const MOST_EXPECTED: usize = 1 << 16;

/// The rows of one column, and the distinct keys so far.
pub(super) trait Column {
    /// Number of rows.
    fn rows(&self) -> usize;
    /// The hash of the key of each of these rows, `first` and those after it.
    fn hash(&mut self, first: usize, hashes: &mut [u64]);
    /// Makes `NONE` of the numbers in `likely` that are not those of the keys of these rows, which had their hashes asked for
    /// last.
    #[inline]
    fn check(&self, first: usize, likely: &mut [u32]) {
        for (at, likely) in likely.iter_mut().enumerate() {
            if *likely != NONE && !self.is(first + at, *likely) {
                *likely = NONE;
            }
        }
    }
    /// The hash of a key.
    fn hash_of(&self, number: u32) -> u64;
    /// Whether such a row has the key of this number.
    fn is(&self, row: usize, number: u32) -> bool;
    /// Adds the key of such a row, which is new.
    fn push(&mut self, row: usize);
    /// Adds None.
    fn push_none(&mut self);
    /// Makes room for more keys.
    fn reserve(&mut self, more: usize);
}

/// Which number a key has, by its hash.
pub(super) struct Numbers {
    /// Numbers alone: with hashes or keys beside them the table would be a multiple of its size.
    table: HashTable<u32>,
    /// The number of `None`, once it was seen.
    pub none: Option<u32>,
    /// Of distinct keys.
    pub count: u32,
}

impl Numbers {
    pub(super) fn new() -> Self {
        Self { table: HashTable::new(), none: None, count: 0 }
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.table.allocation_size()
    }

    fn next(&mut self) -> u32 {
        self.count += 1;
        self.count - 1
    }

    /// Appends the number of each row's key to `ids`.
    pub(super) fn number(&mut self, column: &mut impl Column, nulls: Option<&NullBuffer>, ids: &mut Vec<u32>) {
        let rows = column.rows();
        let known = self.count;
        let (mut hashes, mut likely) = ([0; GROUP], [0; GROUP]);
        for first in (0..rows).step_by(GROUP) {
            if first == SAMPLE {
                let seen = Seen { rows: SAMPLE, keys: (self.count - known) as usize };
                let more = if seen.mostly_new() { (seen.keys_in(rows) - seen.keys).min(MOST_EXPECTED) } else { 0 };
                column.reserve(more);
                self.table.reserve(more, |number| column.hash_of(*number));
            }
            let length = GROUP.min(rows - first);
            let (hashes, likely) = (&mut hashes[..length], &mut likely[..length]);
            column.hash(first, hashes);
            for (hash, likely) in hashes.iter().zip(likely.iter_mut()) {
                // The table knows a few bits of each hash. That these are the same is enough here.
                *likely = self.table.find(*hash, |_| true).copied().unwrap_or(NONE);
            }
            if let Some(nulls) = nulls {
                let none = (0..length).filter(|at| nulls.is_null(first + at));
                none.for_each(|at| likely[at] = NONE);
            }
            column.check(first, likely);
            self.settle(column, first, hashes, likely, nulls);
            ids.extend_from_slice(likely);
        }
    }

    /// Puts a number wherever there is none yet.
    fn settle(
        &mut self,
        column: &mut impl Column,
        first: usize,
        hashes: &[u64],
        numbers: &mut [u32],
        nulls: Option<&NullBuffer>,
    ) {
        for (at, (hash, number)) in hashes.iter().zip(numbers).enumerate() {
            if nulls.is_some_and(|nulls| nulls.is_null(first + at)) {
                *number = self.none.unwrap_or_else(|| {
                    column.push_none();
                    let none = self.next();
                    *self.none.insert(none)
                });
            } else if *number == NONE {
                *number = self.find(column, first + at, *hash);
            }
        }
    }

    fn find(&mut self, column: &mut impl Column, row: usize, hash: u64) -> u32 {
        if let Some(number) = self.table.find(hash, |number| column.is(row, *number)) {
            return *number;
        }
        column.push(row);
        let number = self.next();
        self.table.insert_unique(hash, number, |number| column.hash_of(*number));
        number
    }
}

/// Two odd numbers with bits set everywhere.
const ONE: u64 = 0x9e37_79b9_7f4a_7c15;
const OTHER: u64 = 0xa076_1d64_78bd_642f;

/// The two halves of a product, of which the higher one depends on the high bits, and the lower one on the low bits.
#[inline]
fn mix(one: u64, other: u64) -> u64 {
    let wide = u128::from(one ^ ONE) * u128::from(other ^ OTHER);
    wide as u64 ^ (wide >> 64) as u64
}

/// Bits of -0.0.
const NEGATIVE_ZERO: u64 = 1 << 63;

/// Keys of at most 64 bits; `FLOAT`: they are the bits of floats, of which two are zero.
pub(super) struct WordColumn<'a, const FLOAT: bool> {
    pub words: &'a [u64],
    pub known: &'a mut Vec<u64>,
}

impl<const FLOAT: bool> WordColumn<'_, FLOAT> {
    #[inline]
    fn normal(word: u64) -> u64 {
        if FLOAT && word == NEGATIVE_ZERO { 0 } else { word }
    }
}

impl<const FLOAT: bool> Column for WordColumn<'_, FLOAT> {
    fn rows(&self) -> usize {
        self.words.len()
    }

    #[inline]
    fn hash(&mut self, first: usize, hashes: &mut [u64]) {
        for (hash, word) in hashes.iter_mut().zip(&self.words[first..]) {
            *hash = mix(Self::normal(*word), 0);
        }
    }

    #[inline]
    fn check(&self, first: usize, likely: &mut [u32]) {
        for (likely, word) in likely.iter_mut().zip(&self.words[first..]) {
            let wanted = Self::normal(*word);
            let known = self.known.get(*likely as usize).map_or(!wanted, |known| Self::normal(*known));
            *likely = if known == wanted { *likely } else { NONE };
        }
    }

    fn hash_of(&self, number: u32) -> u64 {
        mix(Self::normal(self.known[number as usize]), 0)
    }

    #[inline]
    fn is(&self, row: usize, number: u32) -> bool {
        Self::normal(self.known[number as usize]) == Self::normal(self.words[row])
    }

    fn push(&mut self, row: usize) {
        self.known.push(self.words[row]);
    }

    fn push_none(&mut self) {
        self.known.push(0);
    }

    fn reserve(&mut self, more: usize) {
        self.known.reserve(more);
    }
}

/// The hash of a text.
#[inline]
fn hash_of<'t>(view: u128, text: impl Fn() -> &'t [u8], hasher: &DefaultHashBuilder) -> u64 {
    if Texts::is_inline(view) { mix_view(view) } else { hasher.hash_one(text()) }
}

/// Text or bytes.
pub(super) enum TextColumn<'a> {
    Text(Views<'a, StringViewType>),
    Bytes(Views<'a, BinaryViewType>),
}

impl<'a> TextColumn<'a> {
    /// None for a column of something else.
    pub(super) fn new(keys: &'a ArrayRef, known: &'a mut Texts, hasher: &'a DefaultHashBuilder) -> Option<Self> {
        if let Some(array) = keys.as_string_view_opt() {
            return Some(Self::Text(Views { array, known, hasher, long: Vec::new() }));
        }
        keys.as_binary_view_opt().map(|array| Self::Bytes(Views { array, known, hasher, long: Vec::new() }))
    }

    pub(super) fn number(self, numbers: &mut Numbers, nulls: Option<&NullBuffer>, ids: &mut Vec<u32>) {
        match self {
            Self::Text(mut views) => numbers.number(&mut views, nulls, ids),
            Self::Bytes(mut views) => numbers.number(&mut views, nulls, ids),
        }
    }
}

/// Texts by their views.
pub(super) struct Views<'a, T: ByteViewType> {
    array: &'a GenericByteViewArray<T>,
    known: &'a mut Texts,
    hasher: &'a DefaultHashBuilder,
    /// Of the group whose hashes were asked for last: the rows that are not None and not in their views.
    long: Vec<u32>,
}

/// The hash of a text that its view holds.
#[inline]
fn mix_view(view: u128) -> u64 {
    mix(view as u64, (view >> 64) as u64)
}

impl<T: ByteViewType> Views<'_, T> {
    fn value(&self, row: usize) -> &[u8] {
        self.array.value(row).as_ref()
    }
}

impl<T: ByteViewType> Column for Views<'_, T> {
    fn rows(&self) -> usize {
        self.array.len()
    }

    #[inline]
    fn hash(&mut self, first: usize, hashes: &mut [u64]) {
        // No branch for long ones: which they are could not be foreseen.
        self.long.resize(hashes.len(), 0);
        let mut long = 0;
        for (at, (hash, view)) in hashes.iter_mut().zip(&self.array.views()[first..]).enumerate() {
            *hash = mix_view(*view);
            self.long[long] = (first + at) as u32;
            long += usize::from(!Texts::is_inline(*view));
        }
        self.long.truncate(long);
        if let Some(nulls) = self.array.nulls() {
            // Where there is no text, a view says nothing.
            self.long.retain(|row| nulls.is_valid(*row as usize));
        }
        for row in &self.long {
            hashes[*row as usize - first] = self.hasher.hash_one(self.value(*row as usize));
        }
    }

    #[inline]
    fn check(&self, first: usize, likely: &mut [u32]) {
        for (likely, view) in likely.iter_mut().zip(&self.array.views()[first..]) {
            *likely = if self.known.begins(*likely, *view) { *likely } else { NONE };
        }
        for row in &self.long {
            let likely = &mut likely[*row as usize - first];
            if *likely != NONE && !self.is(*row as usize, *likely) {
                *likely = NONE;
            }
        }
    }

    fn hash_of(&self, number: u32) -> u64 {
        let view = self.known.view(number);
        hash_of(view, || self.known.long(view), self.hasher)
    }

    #[inline]
    fn is(&self, row: usize, number: u32) -> bool {
        self.known.is(number, self.array.views()[row], &|| self.value(row))
    }

    fn push(&mut self, row: usize) {
        self.known.push(self.array.views()[row], self.array.value(row).as_ref());
    }

    fn push_none(&mut self) {
        self.known.push(Texts::view_of(&[]), &[]);
    }

    fn reserve(&mut self, more: usize) {
        self.known.reserve(more);
    }
}

/// Tuples, as the bytes that they are encoded as.
pub(super) struct TupleColumn<'a> {
    encoder: Encoder<'a>,
    rows: usize,
    known: &'a mut Texts,
    hasher: &'a DefaultHashBuilder,
    /// Of the group whose hashes were asked for last: where it begins, all its bytes, and where those of each row end.
    first: usize,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    new: Vec<u32>,
}

impl<'a> TupleColumn<'a> {
    pub(super) fn new(encoder: Encoder<'a>, rows: usize, known: &'a mut Texts, hasher: &'a DefaultHashBuilder) -> Self {
        Self { encoder, rows, known, hasher, first: 0, bytes: Vec::new(), ends: Vec::new(), new: Vec::new() }
    }

    /// The rows with new keys.
    pub(super) fn new_rows(self) -> Vec<u32> {
        self.new
    }
}

/// The bytes of one row of a group.
#[inline]
fn part<'b>(bytes: &'b [u8], ends: &[usize], at: usize) -> &'b [u8] {
    let start = at.checked_sub(1).map_or(0, |before| ends[before]);
    &bytes[start..ends[at]]
}

impl Column for TupleColumn<'_> {
    fn rows(&self) -> usize {
        self.rows
    }

    fn hash(&mut self, first: usize, hashes: &mut [u64]) {
        self.first = first;
        self.bytes.clear();
        self.ends.clear();
        for (at, hash) in hashes.iter_mut().enumerate() {
            let start = self.bytes.len();
            self.encoder.encode(first + at, &mut self.bytes);
            self.ends.push(self.bytes.len());
            let text = &self.bytes[start..];
            *hash = hash_of(Texts::view_of(text), || text, self.hasher);
        }
    }

    fn hash_of(&self, number: u32) -> u64 {
        let view = self.known.view(number);
        hash_of(view, || self.known.long(view), self.hasher)
    }

    #[inline]
    fn is(&self, row: usize, number: u32) -> bool {
        let text = part(&self.bytes, &self.ends, row - self.first);
        self.known.is(number, Texts::view_of(text), &|| text)
    }

    fn push(&mut self, row: usize) {
        let text = part(&self.bytes, &self.ends, row - self.first);
        self.known.push(Texts::view_of(text), text);
        self.new.push(row as u32);
    }

    // A tuple that is None has a form, too.
    fn push_none(&mut self) {
        self.known.push(Texts::view_of(&[]), &[]);
    }

    fn reserve(&mut self, more: usize) {
        self.known.reserve(more);
    }
}
