//! What does each thread do for the program just now, and since when? To be read without any lock.
//!
//! Whoever asks is the watch over a process that does not react, so neither side waits for the other: a thread writes what
//! it does into a place of its own, and a reader that meets a half-written text tries again, or leaves it out.
//! 1. A note lasts until its `Doing` is dropped; then the one before it holds again (a task that reads a file, say).
//! 2. Text that is longer than `BYTES` is cut. Threads beyond `PLACES` are not noted.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::time::Instant;

const PLACES: usize = 256;
const WORDS: usize = 40;
const BYTES: usize = WORDS * 8;

/// What kind of thing a thread does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Calls functions of the program.
    Calls,
    /// Waits for the system: a file operation.
    Waits,
}

#[derive(Clone, Copy)]
struct Note {
    /// 0: nothing; 1: `Calls`; 2: `Waits`.
    kind: u64,
    since: u64,
    length: u64,
    words: [u64; WORDS],
}

const NOTHING: Note = Note { kind: 0, since: 0, length: 0, words: [0; WORDS] };

struct Place {
    taken: AtomicBool,
    /// Odd while it is written.
    version: AtomicU64,
    thread: AtomicU64,
    head: [AtomicU64; 3],
    words: [AtomicU64; WORDS],
}

static ALL: [Place; PLACES] = [const {
    Place {
        taken: AtomicBool::new(false),
        version: AtomicU64::new(0),
        thread: AtomicU64::new(0),
        head: [const { AtomicU64::new(0) }; 3],
        words: [const { AtomicU64::new(0) }; WORDS],
    }
}; PLACES];

/// A thread's place, given back when the thread ends.
struct Seat(Option<usize>);

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(place) = self.0.map(|at| &ALL[at]) {
            place.write(&NOTHING);
            place.taken.store(false, Ordering::Release);
        }
    }
}

thread_local! {
    static SEAT: Seat = Seat(take_place());
    static NOTE: Cell<Note> = const { Cell::new(NOTHING) };
}

fn take_place() -> Option<usize> {
    let free = |place: &Place| place.taken.compare_exchange(false, true, Ordering::AcqRel, Ordering::Relaxed).is_ok();
    let at = ALL.iter().position(free)?;
    ALL[at].thread.store(this_thread(), Ordering::Relaxed);
    Some(at)
}

/// The number by which Python knows this thread.
pub fn this_thread() -> u64 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::pthread_self() as u64 }
}

/// Milliseconds since the first call.
pub fn now_ms() -> u64 {
    static BEGIN: OnceLock<Instant> = OnceLock::new();
    u64::try_from(BEGIN.get_or_init(Instant::now).elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl Place {
    /// By its own thread alone.
    fn write(&self, note: &Note) {
        self.version.fetch_add(1, Ordering::Relaxed);
        fence(Ordering::Release);
        for (head, value) in self.head.iter().zip([note.kind, note.since, note.length]) {
            head.store(value, Ordering::Relaxed);
        }
        let used = (note.length as usize).div_ceil(8);
        for (word, value) in self.words.iter().zip(&note.words).take(used) {
            word.store(*value, Ordering::Relaxed);
        }
        self.version.fetch_add(1, Ordering::Release);
    }

    fn read(&self) -> Option<Note> {
        for _ in 0..100 {
            let before = self.version.load(Ordering::Acquire);
            let mut note = NOTHING;
            [note.kind, note.since, note.length] = std::array::from_fn(|at| self.head[at].load(Ordering::Relaxed));
            note.words = std::array::from_fn(|at| self.words[at].load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            if before.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == before {
                return Some(note);
            }
            std::hint::spin_loop();
        }
        None
    }
}

fn put(note: Note) {
    // A thread at its very end notes nothing any more.
    let _ = SEAT.try_with(|seat| {
        NOTE.set(note);
        if let Some(at) = seat.0 {
            ALL[at].write(&note);
        }
    });
}

fn note(kind: Kind, since: u64, text: &str) -> Note {
    let mut end = text.len().min(BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut note = Note { kind: kind as u64 + 1, since, length: end as u64, words: [0; WORDS] };
    for (word, piece) in note.words.iter_mut().zip(text.as_bytes()[..end].chunks(8)) {
        let mut bytes = [0; 8];
        bytes[..piece.len()].copy_from_slice(piece);
        *word = u64::from_ne_bytes(bytes);
    }
    note
}

/// What this thread does, until dropped.
pub struct Doing {
    before: Note,
}

/// This thread begins to do something.
pub fn begin(kind: Kind, text: &str) -> Doing {
    let before = NOTE.try_with(Cell::get).unwrap_or(NOTHING);
    put(note(kind, now_ms(), text));
    Doing { before }
}

/// Says more of what this thread does, if it does anything.
pub fn say(text: &str) {
    let now = NOTE.try_with(Cell::get).unwrap_or(NOTHING);
    if now.kind == Kind::Calls as u64 + 1 {
        put(note(Kind::Calls, now.since, text));
    }
}

/// Runs a file operation that may take long.
pub fn waiting<T>(operation: &str, path: &std::path::Path, work: impl FnOnce() -> T) -> T {
    let _waits = begin(Kind::Waits, &format!("{operation} {}", path.display()));
    work()
}

impl Drop for Doing {
    fn drop(&mut self) {
        put(self.before);
    }
}

/// What a thread does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its number in Python.
    pub thread: u64,
    /// What kind of thing it does.
    pub kind: Kind,
    /// When it began, in milliseconds of `now_ms`.
    pub since: u64,
    /// The thing.
    pub text: String,
}

/// What all threads do, those that began first at the front.
pub fn all() -> Vec<Seen> {
    let mut all: Vec<Seen> = ALL.iter().filter(|place| place.taken.load(Ordering::Acquire)).filter_map(seen).collect();
    all.sort_by_key(|seen| seen.since);
    all
}

fn seen(place: &Place) -> Option<Seen> {
    let note = place.read()?;
    let kind = match note.kind {
        1 => Kind::Calls,
        2 => Kind::Waits,
        _ => return None,
    };
    let bytes: Vec<u8> = note.words.iter().flat_map(|word| word.to_ne_bytes()).take(note.length as usize).collect();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Some(Seen { thread: place.thread.load(Ordering::Relaxed), kind, since: note.since, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mine() -> Vec<String> {
        all().into_iter().filter(|seen| seen.thread == this_thread()).map(|seen| seen.text).collect()
    }

    #[test]
    fn the_innermost_thing_is_seen_and_then_the_one_around_it() {
        let outer = begin(Kind::Calls, "a task");
        say("f (app.py:1)");
        assert_eq!(waiting("open", std::path::Path::new("/x"), mine), ["open /x"]);
        assert_eq!(mine(), ["f (app.py:1)"]);
        drop(outer);
        assert_eq!(mine(), [""; 0]);
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let _doing = begin(Kind::Calls, &"ä".repeat(BYTES));
        assert_eq!(mine(), ["ä".repeat(BYTES / 2)]);
    }
}
