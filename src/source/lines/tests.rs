//! Tests of `lines.rs`.

use std::time::Instant;

use proptest::prelude::*;

use super::super::testing::{read_lines, texts};
use super::*;

/// Cuts `pieces`, taking a block after each when `take_often`; gives lines and the number of dropped ones.
fn cut(pieces: &[&[u8]], max_line: usize, take_often: bool) -> (Vec<String>, usize) {
    let mut cutter = LineCutter::new(max_line);
    let (mut lines, mut counted, mut dropped) = (Vec::new(), 0, 0);
    for piece in pieces {
        let progress = cutter.feed(piece);
        assert_eq!(progress.bytes, piece.len());
        counted += progress.lines;
        dropped += progress.dropped;
        if take_often {
            lines.extend(cutter.take().iter().flat_map(texts));
            assert_eq!((cutter.finished(), cutter.finished_bytes()), (0, 0));
        }
    }
    counted += cutter.finish().lines;
    lines.extend(cutter.take().iter().flat_map(texts));
    assert_eq!(counted, lines.len());
    (lines, dropped)
}

fn cut_all(pieces: &[&[u8]]) -> Vec<String> {
    cut(pieces, DEFAULT_MAX_LINE, false).0
}

#[test]
fn each_kind_of_end_ends_a_line_and_empty_lines_count() {
    assert_eq!(cut_all(&[b"a\nb\rc\r\nd\n\n\r\r\n\n\re"]), ["a", "b", "c", "d", "", "", "", "", "", "e"]);
    assert_eq!(cut_all(&[b""]), [""; 0]);
    assert_eq!(cut_all(&[b"\n"]), [""]);
}

#[test]
fn a_lone_cr_ends_the_line_at_once_and_a_later_lf_belongs_to_it() {
    let mut cutter = LineCutter::new(DEFAULT_MAX_LINE);
    assert_eq!(cutter.feed(b"one\r").lines, 1);
    assert_eq!(texts(&cutter.take().unwrap()), ["one"]);
    assert_eq!(cutter.feed(b"\n").lines, 0);
    assert!(cutter.take().is_none());
    assert_eq!(cutter.feed(b"\n").lines, 1);
    assert_eq!(texts(&cutter.take().unwrap()), [""]);
}

#[test]
fn a_new_stream_owes_nothing_to_the_one_before() {
    let mut cutter = LineCutter::new(DEFAULT_MAX_LINE);
    cutter.feed(b"one\r");
    cutter.finish();
    cutter.feed(b"\ntwo");
    cutter.finish();
    assert_eq!(texts(&cutter.take().unwrap()), ["one", "", "two"]);
}

#[test]
fn a_character_cut_by_pieces_is_whole_and_bad_bytes_are_replaced() {
    assert_eq!(cut_all(&[b"gr\xc3", b"\xbc\xc3\x9fe, world of text\nnext"]), ["grüße, world of text", "next"]);
    assert_eq!(
        cut_all(&[b"ok\n\xe2\x82\nlong enough for a buffer\xff\n"]),
        ["ok", "\u{fffd}", "long enough for a buffer\u{fffd}"]
    );
}

#[test]
fn a_long_line_moves_through_growing_pages() {
    let long = "x".repeat(5 * PAGE + 17);
    let text = format!("short one, though not inlined\n{long}\n{long}\nend");
    let pieces: Vec<&[u8]> = text.as_bytes().chunks(100_001).collect();
    let lines = cut_all(&pieces);
    assert_eq!(lines, ["short one, though not inlined", &long, &long, "end"]);
}

#[test]
fn lines_of_every_length_cross_page_borders_unharmed() {
    // Lengths repeat with a period that pages do not share; some lines are inlined, some broken, some umlauts.
    let mut bytes = Vec::new();
    for number in 0..200_000_usize {
        bytes.extend_from_slice(&b"0123456789abcdefghijklmnopqrstuvwxyz"[..number % 37]);
        match number % 1009 {
            5 => bytes.extend_from_slice(b"\xff\xfe, and a text that is not inlined"),
            7 => bytes.extend_from_slice("grün".repeat(number).as_bytes()),
            _ => {}
        }
        bytes.extend_from_slice([&b"\n"[..], b"\r\n", b"\r"][number % 3]);
    }
    let expected = read_lines(&bytes, usize::MAX);
    for size in [4_099, 65_536, 3_000_001] {
        let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
        for take_often in [false, true] {
            assert!(cut(&pieces, DEFAULT_MAX_LINE, take_often).0 == expected, "pieces of {size} bytes");
        }
    }
}

#[test]
fn a_line_above_the_limit_is_dropped_once_in_bounded_memory() {
    let mut cutter = LineCutter::new(1000);
    let mut dropped = cutter.feed(b"before\n").dropped;
    let piece = vec![b'x'; 100_000];
    for _ in 0..100 {
        dropped += cutter.feed(&piece).dropped;
    }
    assert!(cutter.page.len() <= PAGE);
    dropped += cutter.feed(b"\r\nafter\n").dropped;
    assert_eq!(dropped, 1);
    assert_eq!(texts(&cutter.take().unwrap()), ["before", "after"]);
    let exact = "y".repeat(1000);
    assert_eq!(cut(&[format!("{exact}\n{exact}y\nz").as_bytes()], 1000, false), (vec![exact, "z".into()], 1));
}

#[test]
fn a_small_block_does_not_hold_a_page() {
    let mut cutter = LineCutter::new(DEFAULT_MAX_LINE);
    cutter.feed(b"a line that is longer than a view\n");
    assert!(cutter.take().unwrap().bytes() < 1000);
    // Short lines live in their views: no buffer at all.
    cutter.feed(&b"short\n".repeat(PAGE));
    let Some(Block::Columns(columns)) = cutter.take() else { panic!("no block") };
    let array = columns.array().as_any().downcast_ref::<arrow_array::StringViewArray>().unwrap();
    assert_eq!((array.data_buffers().len(), columns.len()), (0, PAGE));
}

#[test]
fn lines_refer_to_the_received_page() {
    let mut cutter = LineCutter::new(DEFAULT_MAX_LINE);
    cutter.feed(&b"a line that is longer than a view\n".repeat(PAGE / 34));
    let page = cutter.page.as_ptr();
    let Some(Block::Columns(columns)) = cutter.take() else { panic!("no block") };
    let array = columns.array().as_any().downcast_ref::<arrow_array::StringViewArray>().unwrap();
    assert_eq!(array.data_buffers()[0].as_ptr(), page);
}

/// Bytes rich in line ends, whole and broken characters.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => Just(b"\n".to_vec()),
        3 => Just(b"\r".to_vec()),
        2 => Just(b"\r\n".to_vec()),
        2 => Just("é€🎉".as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
        3 => (0_usize..40).prop_map(|count| vec![b'a'; count]),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_pieces_give_the_lines_of_read_line(
        bytes in bytes(), sizes in proptest::collection::vec(1_usize..9, 1..20), max_line in 0_usize..60, often: bool,
    ) {
        let mut pieces = Vec::new();
        let mut rest = &bytes[..];
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, later) = rest.split_at(rest.len().min(*size));
            pieces.push(piece);
            rest = later;
        }
        let (lines, dropped) = cut(&pieces, max_line, often);
        prop_assert_eq!(&lines, &read_lines(&bytes, max_line));
        let all = read_lines(&bytes, usize::MAX);
        prop_assert_eq!(dropped, all.len() - lines.len());
        // With no limit the lines are also those of the decoded whole.
        prop_assert_eq!(all, read_lines(crate::source::utf8::decode(&bytes).as_bytes(), usize::MAX));
    }
}

/// Not a claim but a figure: `cargo test --release --no-default-features source -- --ignored --nocapture cutting`.
#[test]
#[ignore = "a measurement"]
fn speed_of_cutting() {
    let mixed: String = (0..1000).map(|number| "abcdefghijk\n"[number * 7919 % 11..].to_owned()).collect();
    for (name, line) in [
        ("2 to 12 bytes", mixed.as_str()),
        ("6 bytes", "hello\n"),
        ("20 bytes", "the quick brown fox\n"),
        ("44 bytes", "the quick brown fox jumps over the lazy dog\n"),
        ("44 bytes, umlauts", "der schnelle braune Fuchs läuft über Hündin\n"),
        ("200 bytes", &("x".repeat(199) + "\n")),
    ] {
        let data = line.repeat((256 << 10) / line.len());
        let start = Instant::now();
        let (mut bytes, mut lines) = (0, 0);
        let mut cutter = LineCutter::new(DEFAULT_MAX_LINE);
        while bytes < 1 << 30 {
            for _ in 0..16 {
                bytes += cutter.feed(data.as_bytes()).bytes;
            }
            lines += cutter.take().map_or(0, |block| block.len());
        }
        assert_eq!(lines * line.len(), bytes * line.lines().count());
        let rate = bytes as f64 / start.elapsed().as_secs_f64() / 1e6;
        println!("lines of {name}: {rate:.0} MB/s");
    }
}
