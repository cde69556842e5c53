//! Regular expressions: the matches of Python's `re` as tuples of their groups, and what else is made of matches.
//!
//! 1. A match is a tuple of text, group 0 being all of it; a row without a match is `None`, and so is a group that took no
//!    part. Groups that nobody asks for are `None` too.
//! 2. Groups are views of the text: no copy.
//! 3. Text that is not ASCII bails, and so does a chunk that takes more steps than its length accounts for.

use arrow_array::StringViewArray;
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder, NullBuffer};

use crate::expr::groups::Groups;
use crate::expr::ops::Basic;
use crate::expr::text::{self, TextBuilder, Texts, sub_view};
use crate::expr::val::{Nulls, Tuples, Val};
use crate::expr::value::Value;
use crate::expr::{Bail, Result, bail, select};
use crate::kernel::regex::{Budget, Exhausted, How, Regex, Scratch};

/// Steps that a chunk may take, beside those for each byte of its text.
const STEPS: u64 = 1 << 20;
const STEPS_PER_BYTE: u64 = 64;

/// Texts that are matched with one pattern.
struct Job<'a> {
    regex: &'a Regex,
    texts: StringViewArray,
    scratch: Scratch,
    budget: Budget,
}

impl<'a> Job<'a> {
    fn new(regex: &'a Val, of: &Val, rows: usize) -> Result<Self> {
        let Val::Regex(regex) = regex else { return bail("a regular expression that is not known") };
        let texts = match Texts::expect(of)? {
            Texts::Many(texts) => texts.clone(),
            Texts::One(text) => match select::spread(&Value::text(text), rows)? {
                Val::Str(texts) => texts,
                other => return bail(format!("{} where text is needed", other.type_name())),
            },
        };
        let bytes: u64 = texts.views().iter().map(|view| u64::from(*view as u32)).sum();
        let budget = Budget(STEPS + STEPS_PER_BYTE * bytes);
        Ok(Self { regex, scratch: regex.scratch(), texts, budget })
    }

    /// For each text in turn: `each` gets its row, the text, and a way to look for matches.
    fn for_each(
        &mut self,
        rows: usize,
        mut each: impl FnMut(usize, &str, &Regex, &mut Scratch, &mut Budget) -> Result<()>,
    ) -> Result<()> {
        for row in 0..rows {
            let text = self.texts.value(row);
            if !text.is_ascii() {
                return bail("text that is not ASCII, for a regular expression");
            }
            each(row, text, self.regex, &mut self.scratch, &mut self.budget)?;
        }
        Ok(())
    }

    /// As `for_each`, for at most `most` matches of each text, and once more when there are no more of it.
    fn for_each_match(
        &mut self,
        rows: usize,
        most: usize,
        mut each: impl FnMut(usize, &str, Option<&Scratch>) -> Result<()>,
    ) -> Result<()> {
        self.for_each(rows, |row, text, regex, scratch, budget| {
            // After a match of nothing, the next one has to have something or to be further on.
            let (mut from, mut not_empty) = (0, false);
            for _ in 0..most {
                if !regex.search(text.as_bytes(), from, not_empty, scratch, budget).map_err(exhausted)? {
                    break;
                }
                each(row, text, Some(scratch))?;
                let (start, to) = scratch.group(0).unwrap_or_default();
                (from, not_empty) = (to, start == to);
            }
            each(row, text, None)
        })
    }
}

fn exhausted(_: Exhausted) -> Bail {
    Bail::new("a regular expression that takes too many steps")
}

/// Parts of texts, or None.
struct Parts {
    views: Vec<u128>,
    valid: BooleanBufferBuilder,
}

impl Parts {
    fn new(rows: usize) -> Self {
        Self { views: Vec::with_capacity(rows), valid: BooleanBufferBuilder::new(rows) }
    }

    #[inline]
    fn push(&mut self, of: &StringViewArray, row: usize, range: Option<(usize, usize)>) {
        self.views.push(match range {
            Some((start, end)) => sub_view(of.views()[row], of.value(row).as_bytes(), start, end),
            None => 0,
        });
        self.valid.append(range.is_some());
    }

    fn finish(mut self, of: &StringViewArray) -> Val {
        let valid = self.valid.finish();
        if valid.count_set_bits() == 0 && !valid.is_empty() {
            return Val::NONE;
        }
        match (text::same_buffers(self.views, of), nulls(valid)) {
            (Val::Str(texts), Some(nulls)) => {
                let (views, buffers, _) = texts.into_parts();
                // SAFETY: the views of a valid array with its buffers; the nulls are as many.
                Val::Str(unsafe { StringViewArray::new_unchecked(views, buffers, Some(nulls)) })
            }
            (made, _) => made,
        }
    }
}

fn nulls(valid: BooleanBuffer) -> Nulls {
    Some(NullBuffer::new(valid)).filter(|nulls| nulls.null_count() > 0)
}

/// The match of each text, or None.
pub(in crate::expr) fn find(op: Basic, operands: &[Val], wanted: &Groups, rows: usize) -> Result<Val> {
    let [regex, of] = operands else { return bail("a match of nothing") };
    let mut job = Job::new(regex, of, rows)?;
    let how = match op {
        Basic::ReMatch => How::Match,
        Basic::ReFullMatch => How::Whole,
        _ => How::Search,
    };
    let texts = job.texts.clone();
    let mut groups: Vec<Option<Parts>> =
        (0..=job.regex.groups()).map(|group| wanted.has(group).then(|| Parts::new(rows))).collect();
    let mut found = BooleanBufferBuilder::new(rows);
    job.for_each(rows, |row, text, regex, scratch, budget| {
        let matches = regex.find(how, text.as_bytes(), scratch, budget).map_err(exhausted)?;
        found.append(matches);
        for (number, parts) in groups.iter_mut().enumerate() {
            if let Some(parts) = parts {
                parts.push(&texts, row, scratch.group(number).filter(|_| matches));
            }
        }
        Ok(())
    })?;
    let found = found.finish();
    if found.count_set_bits() == 0 {
        return Ok(Val::NONE);
    }
    let items = groups.into_iter().map(|parts| parts.map_or(Val::NONE, |parts| parts.finish(&texts))).collect();
    Ok(Val::Tuple(Tuples { items, nulls: nulls(found), class: None }))
}

/// `findall`: lists of the matches, of their only group, or of tuples of their groups.
pub(super) fn find_all(regex: &Val, of: &Val, rows: usize) -> Result<Val> {
    let mut job = Job::new(regex, of, rows)?;
    let texts = job.texts.clone();
    let shown = match job.regex.groups() {
        0 => 0..1,
        groups => 1..groups + 1,
    };
    let mut columns: Vec<Parts> = shown.clone().map(|_| Parts::new(rows)).collect();
    let (mut offsets, mut count) = (vec![0], 0);
    job.for_each_match(rows, usize::MAX, |row, _, found| {
        let Some(found) = found else {
            offsets.push(select::offset(count)?);
            return Ok(());
        };
        for (column, group) in columns.iter_mut().zip(shown.clone()) {
            column.push(&texts, row, Some(found.group(group).unwrap_or_default()));
        }
        count += 1;
        Ok(())
    })?;
    let mut items: Vec<Val> = columns.into_iter().map(|column| column.finish(&texts)).collect();
    let items = match (items.len(), items.pop()) {
        (1, Some(only)) => only,
        (_, last) => Val::tuple(items.into_iter().chain(last).collect()),
    };
    Ok(Val::list(items, count, offsets))
}

/// How many matches are taken at most; 0 stands for all.
fn limit(most: &Val) -> Result<usize> {
    match most {
        Val::Const(Value::Int(0)) => Ok(usize::MAX),
        Val::Const(Value::Int(most)) => usize::try_from(*most).or_else(|_| bail("a negative number of matches")),
        _ => bail("a number of matches that varies"),
    }
}

/// `split`: what is between the matches, and their groups.
pub(super) fn split(regex: &Val, of: &Val, most: &Val, rows: usize) -> Result<Val> {
    let mut job = Job::new(regex, of, rows)?;
    let (texts, groups) = (job.texts.clone(), job.regex.groups());
    let mut parts = Parts::new(rows);
    let mut offsets = vec![0];
    let mut last = 0;
    job.for_each_match(rows, limit(most)?, |row, text, found| {
        let Some(found) = found else {
            parts.push(&texts, row, Some((last, text.len())));
            offsets.push(select::offset(parts.views.len())?);
            last = 0;
            return Ok(());
        };
        let (start, end) = found.group(0).unwrap_or_default();
        parts.push(&texts, row, Some((last, start)));
        (1..=groups).for_each(|group| parts.push(&texts, row, found.group(group)));
        last = end;
        Ok(())
    })?;
    let count = parts.views.len();
    Ok(Val::list(parts.finish(&texts), count, offsets))
}

/// A part of what `sub` puts in the place of a match.
enum Put<'a> {
    Text(&'a str),
    Group(usize),
}

fn template<'a>(parts: &'a Val, groups: usize) -> Result<Vec<Put<'a>>> {
    let Val::Tuple(parts) = parts else { return bail("a replacement that is not known") };
    let put = |part: &'a Val| match part {
        Val::Const(Value::Str(text)) => Ok(Put::Text(text)),
        Val::Const(Value::Int(group)) => match usize::try_from(*group) {
            Ok(group) if group <= groups => Ok(Put::Group(group)),
            _ => bail("a group that is not there"),
        },
        _ => bail("a replacement that varies"),
    };
    parts.items.iter().map(put).collect()
}

/// `sub`: the text with something in the place of each match.
pub(super) fn sub(regex: &Val, of: &Val, parts: &Val, most: &Val, rows: usize) -> Result<Val> {
    let mut job = Job::new(regex, of, rows)?;
    let put = template(parts, job.regex.groups())?;
    let mut out = TextBuilder::new(rows);
    let mut last = 0;
    job.for_each_match(rows, limit(most)?, |_, text, found| {
        let Some(found) = found else {
            out.next().push_str(&text[last..]);
            last = 0;
            return out.end();
        };
        let (start, end) = found.group(0).unwrap_or_default();
        let made = out.next();
        made.push_str(&text[last..start]);
        for part in &put {
            match part {
                Put::Text(text) => made.push_str(text),
                Put::Group(group) => {
                    let (start, end) = found.group(*group).unwrap_or_default();
                    made.push_str(&text[start..end]);
                }
            }
        }
        last = end;
        Ok(())
    })?;
    Ok(out.finish())
}
