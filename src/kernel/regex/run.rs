//! Follows the steps of a pattern from one place of a text, and comes back where they lead nowhere.

use super::Place;
use super::code::{Code, Run, Step};
use super::set::Set;

/// A place that is not known.
pub(super) const NOWHERE: u32 = u32::MAX;

/// Matching took more steps than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted;

/// How many steps may still be made.
#[derive(Debug, Clone, Copy)]
pub struct Budget(pub u64);

impl Budget {
    #[inline]
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Exhausted> {
        match self.0.checked_sub(steps as u64) {
            Some(rest) => {
                self.0 = rest;
                Ok(())
            }
            None => Err(Exhausted),
        }
    }
}

/// Another way, to be taken if this one leads nowhere.
#[derive(Debug)]
enum Back {
    /// From a step on.
    Go { step: u32, at: u32 },
    /// From a step on, fewer characters back, down to `low`.
    Less { step: u32, low: u32, at: u32 },
    /// After more characters of the run at a step, up to `limit`.
    More { step: u32, at: u32, limit: u32 },
    /// First this place is forgotten again.
    Slot { slot: u32, old: u32 },
}

/// Memory for matching, to be used again.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Where groups begin (even numbers) and end.
    pub(super) slots: Vec<u32>,
    stack: Vec<Back>,
}

impl Scratch {
    /// Where a group of the last match is, 0 being all of it; `None` if it took no part.
    #[inline]
    pub fn group(&self, number: usize) -> Option<(usize, usize)> {
        let (from, to) = (self.slots[2 * number], self.slots[2 * number + 1]);
        (from != NOWHERE && to != NOWHERE).then_some((from as usize, to as usize))
    }
}

/// What counts as a match.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wanted {
    /// Only one that ends where the text does.
    pub whole: bool,
    /// Only one of a character or more.
    pub not_empty: bool,
}

/// A match that begins at `start`; it is then in `scratch`. The text is ASCII and shorter than 4 GiB.
pub(super) fn attempt(
    code: &Code,
    text: &[u8],
    start: usize,
    wanted: Wanted,
    scratch: &mut Scratch,
    budget: &mut Budget,
) -> Result<bool, Exhausted> {
    scratch.slots.fill(NOWHERE);
    scratch.stack.clear();
    let Scratch { slots, stack } = scratch;
    let (mut step, mut at) = (0, start);
    loop {
        let goes_on = match &code.steps[step] {
            Step::Byte(byte) => {
                let goes_on = text.get(at) == Some(byte);
                (step, at) = (step + 1, at + 1);
                goes_on
            }
            Step::Set(set) => {
                let goes_on = text.get(at).is_some_and(|byte| code.sets[*set].has(*byte));
                (step, at) = (step + 1, at + 1);
                goes_on
            }
            Step::Run(run) => {
                let after = if run.greedy {
                    greedy(code, run, text, at, budget)?.map(|(low, to)| {
                        if low < to && !run.keeps {
                            stack.push(Back::Less { step: step as u32 + 1, low: low as u32, at: to as u32 });
                        }
                        to
                    })
                } else {
                    lazy(code, run, text, at, budget)?.map(|(to, limit)| {
                        if to < limit {
                            stack.push(Back::More { step: step as u32, at: to as u32, limit: limit as u32 });
                        }
                        to
                    })
                };
                step += 1;
                at = after.unwrap_or(at);
                after.is_some()
            }
            Step::Save(slot) => {
                if !stack.is_empty() {
                    stack.push(Back::Slot { slot: *slot as u32, old: slots[*slot] });
                }
                slots[*slot] = at as u32;
                step += 1;
                true
            }
            Step::Split { first, second } => {
                budget.spend(1)?;
                stack.push(Back::Go { step: *second as u32, at: at as u32 });
                step = *first;
                true
            }
            Step::Jump(to) => {
                step = *to;
                true
            }
            Step::At(place) => {
                step += 1;
                is_at(*place, text, at)
            }
            Step::Done => {
                if !(wanted.whole && at != text.len() || wanted.not_empty && at == start) {
                    (slots[0], slots[1]) = (start as u32, at as u32);
                    return Ok(true);
                }
                false
            }
        };
        if !goes_on {
            match back(code, text, slots, stack, budget)? {
                Some(other) => (step, at) = other,
                None => return Ok(false),
            }
        }
    }
}

/// The next way to try, and where.
fn back(
    code: &Code,
    text: &[u8],
    slots: &mut [u32],
    stack: &mut Vec<Back>,
    budget: &mut Budget,
) -> Result<Option<(usize, usize)>, Exhausted> {
    while let Some(entry) = stack.pop() {
        budget.spend(1)?;
        match entry {
            Back::Slot { slot, old } => slots[slot as usize] = old,
            Back::Go { step, at } => return Ok(Some((step as usize, at as usize))),
            Back::Less { step, low, at } => {
                let follow = match &code.steps[step as usize - 1] {
                    Step::Run(run) => follow_of(code, run),
                    _ => None,
                };
                let Some(to) = last_place(follow, text, low as usize, at as usize, budget)? else { continue };
                if to > low as usize {
                    stack.push(Back::Less { step, low, at: to as u32 });
                }
                return Ok(Some((step as usize, to)));
            }
            Back::More { step, at, limit } => {
                let (Step::Run(run), at) = (&code.steps[step as usize], at as usize) else { continue };
                if !code.sets[run.set].has(text[at]) {
                    continue;
                }
                let Some(to) = next_place(code, run, text, at + 1, limit as usize, budget)? else { continue };
                if to < limit as usize {
                    stack.push(Back::More { step, at: to as u32, limit });
                }
                return Ok(Some((step as usize + 1, to)));
            }
        }
    }
    Ok(None)
}

fn follow_of<'a>(code: &'a Code, run: &Run) -> Option<&'a Set> {
    run.follow.map(|set| &code.sets[set])
}

/// As many characters of a run as there may be: where fewest and most of them end, as far as the rest may match there.
#[inline]
fn greedy(
    code: &Code,
    run: &Run,
    text: &[u8],
    at: usize,
    budget: &mut Budget,
) -> Result<Option<(usize, usize)>, Exhausted> {
    let limit = at.saturating_add(run.most).min(text.len());
    let end = code.sets[run.set].run(text, at, limit);
    budget.spend(end - at)?;
    let low = at.saturating_add(run.least);
    if end < low {
        return Ok(None);
    }
    let follow = follow_of(code, run);
    if follow.is_none_or(|follow| text.get(end).is_some_and(|byte| follow.has(*byte))) {
        return Ok(Some((low, end)));
    }
    if run.keeps {
        return Ok(None);
    }
    Ok(last_place(follow, text, low, end, budget)?.map(|to| (low, to)))
}

/// The last place from `low` on, before `end`, where what follows may begin.
fn last_place(
    follow: Option<&Set>,
    text: &[u8],
    low: usize,
    end: usize,
    budget: &mut Budget,
) -> Result<Option<usize>, Exhausted> {
    let found = match follow {
        None => end.checked_sub(1).filter(|to| *to >= low),
        Some(follow) => text[low..end].iter().rposition(|byte| follow.has(*byte)).map(|at| low + at),
    };
    budget.spend(end - found.unwrap_or(low))?;
    Ok(found)
}

/// As few characters of a run as there may be, and up to where there may be more.
fn lazy(
    code: &Code,
    run: &Run,
    text: &[u8],
    at: usize,
    budget: &mut Budget,
) -> Result<Option<(usize, usize)>, Exhausted> {
    let limit = at.saturating_add(run.most).min(text.len());
    let low = at.saturating_add(run.least);
    if low > limit || code.sets[run.set].run(text, at, low) < low {
        return Ok(None);
    }
    budget.spend(run.least)?;
    Ok(next_place(code, run, text, low, limit, budget)?.map(|to| (to, limit)))
}

/// The first place from `from` on, up to `limit`, where what follows a run may begin; all before it are of the run.
fn next_place(
    code: &Code,
    run: &Run,
    text: &[u8],
    from: usize,
    limit: usize,
    budget: &mut Budget,
) -> Result<Option<usize>, Exhausted> {
    let Some(follow) = follow_of(code, run) else { return Ok(Some(from)) };
    let set = &code.sets[run.set];
    let mut at = from;
    let found = loop {
        match text.get(at) {
            Some(byte) if follow.has(*byte) => break Some(at),
            Some(byte) if at < limit && set.has(*byte) => at += 1,
            _ => break None,
        }
    };
    budget.spend(at - from)?;
    Ok(found)
}

fn is_word(byte: Option<&u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

fn is_at(place: Place, text: &[u8], at: usize) -> bool {
    let newline_at = |at: usize| text.get(at) == Some(&b'\n');
    match place {
        Place::Begin => at == 0,
        Place::End => at == text.len(),
        Place::LastEnd => at == text.len() || (at + 1 == text.len() && newline_at(at)),
        Place::LineBegin => at == 0 || newline_at(at - 1),
        Place::LineEnd => at == text.len() || newline_at(at),
        Place::Boundary => {
            let before = at.checked_sub(1).and_then(|before| text.get(before));
            is_word(before) != is_word(text.get(at))
        }
    }
}
