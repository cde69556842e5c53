//! Small patterns, with the answers of Python.

use super::{Budget, Exhausted, How, Pattern, Piece, Place, Regex};

const DIGIT: [u64; 2] = [0x3ff << 48, 0];
const NO_SPACE: [u64; 2] = [!(0x1f << 9 | 0x1f << 28), u64::MAX];

fn one(character: char) -> Piece {
    let bits = 1u128 << u32::from(character);
    Piece::Set([bits as u64, (bits >> 64) as u64])
}

fn many(of: Piece, least: u32, most: Option<u32>, greedy: bool) -> Piece {
    Piece::Repeat { of: Box::new(of), least, most, greedy }
}

fn group(number: u32, of: Piece) -> Piece {
    Piece::Group(number, Box::new(of))
}

fn regex(pieces: Vec<Piece>, groups: u32) -> Regex {
    let pattern = Pattern { source: String::new(), piece: Piece::Seq(pieces), groups };
    Regex::new(&pattern).unwrap()
}

/// The text of all groups of the match, if there is one.
fn groups<'a>(regex: &Regex, how: How, text: &'a str) -> Option<Vec<Option<&'a str>>> {
    let mut scratch = regex.scratch();
    let found = regex.find(how, text.as_bytes(), &mut scratch, &mut Budget(1000));
    assert!(found.is_ok());
    let part = |number| scratch.group(number).map(|(start, end)| &text[start..end]);
    (found == Ok(true)).then(|| (0..=regex.groups()).map(part).collect())
}

#[test]
fn runs_give_back_what_the_rest_needs() {
    // (\S+)(\d)\d
    let found = regex(
        vec![group(1, many(Piece::Set(NO_SPACE), 1, None, true)), group(2, Piece::Set(DIGIT)), Piece::Set(DIGIT)],
        2,
    );
    assert_eq!(groups(&found, How::Match, "a123 4"), Some(vec![Some("a123"), Some("a1"), Some("2")]));
    assert_eq!(groups(&found, How::Match, "a1"), None);
    assert_eq!(groups(&found, How::Search, " 12 345"), Some(vec![Some("345"), Some("3"), Some("4")]));
}

#[test]
fn lazy_runs_take_no_more_than_they_must() {
    // (a*?)(a{1,2}?)b?
    let found = regex(
        vec![
            group(1, many(one('a'), 0, None, false)),
            group(2, many(one('a'), 1, Some(2), false)),
            many(one('b'), 0, Some(1), true),
        ],
        2,
    );
    assert_eq!(groups(&found, How::Match, "aaab"), Some(vec![Some("a"), Some(""), Some("a")]));
    assert_eq!(groups(&found, How::Whole, "aaab"), Some(vec![Some("aaab"), Some("a"), Some("aa")]));
}

#[test]
fn groups_of_a_way_that_failed_took_no_part() {
    // (?:(a)b|(a))c?
    let ways = Piece::Or(vec![Piece::Seq(vec![group(1, one('a')), one('b')]), group(2, one('a'))]);
    let found = regex(vec![ways, many(one('c'), 0, Some(1), true)], 2);
    assert_eq!(groups(&found, How::Match, "ac"), Some(vec![Some("ac"), None, Some("a")]));
    assert_eq!(groups(&found, How::Match, "abc"), Some(vec![Some("abc"), Some("a"), None]));
}

#[test]
fn places_are_where_python_has_them() {
    let at = |place| regex(vec![one('a'), Piece::At(place)], 0);
    let ends = [(Place::End, [true, false, false]), (Place::LastEnd, [true, true, false]), (Place::LineEnd, [true; 3])];
    for (place, wanted) in ends {
        let found = ["a", "a\n", "a\n\n"].map(|text| groups(&at(place), How::Match, text).is_some());
        assert_eq!(found, wanted, "{place:?}");
    }
    let begins = regex(vec![Piece::At(Place::LineBegin), one('b')], 0);
    assert_eq!(groups(&begins, How::Search, "ab\nb").map(|found| found.len()), Some(1));
    assert_eq!(groups(&begins, How::Search, "ab"), None);
    let word = regex(vec![Piece::At(Place::Boundary), one('b')], 0);
    assert!(groups(&word, How::Search, "a b").is_some() && groups(&word, How::Search, "_b").is_none());
}

#[test]
fn ways_that_multiply_come_to_an_end() {
    // (?:a+)+b
    let found = regex(vec![many(many(one('a'), 1, None, true), 1, None, true), one('b')], 0);
    let text = "a".repeat(60);
    let mut budget = Budget(100_000);
    assert_eq!(found.find(How::Match, text.as_bytes(), &mut found.scratch(), &mut budget), Err(Exhausted));
    assert!(groups(&found, How::Match, "aab").is_some());
}

#[test]
fn what_has_no_form_is_refused() {
    let refused = |piece| Regex::new(&Pattern { source: String::new(), piece, groups: 0 }).is_err();
    assert!(refused(many(many(one('a'), 0, None, true), 0, None, true)));
    assert!(refused(many(Piece::Seq(vec![one('a'), one('b')]), 3000, None, true)));
    assert!(!refused(many(many(one('a'), 0, None, true), 0, Some(1), true)));
}
