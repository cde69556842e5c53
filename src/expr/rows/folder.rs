//! One folded value per key, row by row.

use arrow_array::{ArrayRef, StringViewArray};

use super::code::{Code, TextAt, TextView};
use super::compile::compile;
use super::place::{Leaves, Place, Source, sources};
use crate::block::Kind;
use crate::error::{EngineError, Result as EngineResult};
use crate::expr::program::Program;
use crate::expr::{Result, bail};
use crate::kernel::fold::Stop;

/// Folds by any function that has a form row by row: see `kernel::fold` for those that need none.
pub struct RowFolder {
    value: Kind,
    create: Code,
    merge: Code,
    state: Rows,
}

/// Accumulators by key, or results: the words of the first, then those of the next, and texts likewise.
pub(super) struct Rows {
    shape: Place,
    words: Vec<u64>,
    texts: Vec<String>,
    /// Words and texts of one.
    widths: (usize, usize),
    count: usize,
    text_bytes: usize,
}

/// Registers and scratch texts of a running program.
pub(super) struct Bench {
    pub registers: Vec<u64>,
    pub scratch: Vec<String>,
}

impl RowFolder {
    /// For values of a kind: `create` makes the accumulator of a key's first value (the value itself if there is none),
    /// `merge` the next one from it and a value.
    pub fn new(create: Option<&Program>, merge: &Program, value: &Kind) -> Result<Self> {
        let identity = Program::identity();
        let create = create.unwrap_or(&identity);
        if create.arity() != 1 || merge.arity() != 2 {
            return bail("functions that take another number of arguments");
        }
        let create = compile(create.expr(), &[value], false)?;
        let folded = create.result.kind();
        let merge = compile(merge.expr(), &[&folded, value], true)?;
        if !merge.result.is_like(&create.result) {
            let (first, next) = (create.result.type_name(), merge.result.type_name());
            return bail(format!("a fold that makes {next} of {first}, or changes the types of items"));
        }
        let state = Rows::new(create.result.clone());
        Ok(Self { value: value.clone(), create, merge, state })
    }

    /// The kind of the values that come in.
    pub fn kind(&self) -> &Kind {
        &self.value
    }

    /// About how many bytes it holds.
    pub fn bytes(&self) -> usize {
        let state = &self.state;
        state.words.capacity() * 8 + state.texts.capacity() * size_of::<String>() + state.text_bytes
    }

    /// Folds in a value for each key number in `ids`; new keys have the next numbers, in order.
    pub fn add(&mut self, ids: &[u32], values: &ArrayRef) -> EngineResult<std::result::Result<(), Stop>> {
        let mut columns = Vec::new();
        let usable = sources(&self.value, values, &mut columns)?.min(ids.len());
        // By number of leaf: what is no text is never looked at.
        let empty = StringViewArray::from_iter_values(std::iter::empty::<&str>());
        let texts: Vec<&StringViewArray> = columns
            .iter()
            .map(|column| match column {
                Source::Str(texts) => *texts,
                _ => &empty,
            })
            .collect();
        let (mut creating, mut merging) = (Bench::new(&self.create), Bench::new(&self.merge));
        let value_of_create = loads(&self.create, 0)?;
        let (folded, value_of_merge) = (loads(&self.merge, 0)?, loads(&self.merge, 1)?);
        let state = &mut self.state;
        for (row, id) in ids[..usable].iter().enumerate() {
            let key = *id as usize;
            let done = if key >= state.count {
                creating.load(&value_of_create, &columns, row);
                let view = state.view(None, &texts, row, &self.create);
                let ran = self.create.run(&mut creating.registers, &mut creating.scratch, &view);
                ran.map(|()| {
                    state.append(&creating, &self.create, &texts, row);
                })
            } else {
                for (word, (reg, _)) in state.words_of(key).iter().zip(&folded) {
                    merging.registers[*reg as usize] = *word;
                }
                merging.load(&value_of_merge, &columns, row);
                let view = state.view(Some(key), &texts, row, &self.merge);
                let ran = self.merge.run(&mut merging.registers, &mut merging.scratch, &view);
                ran.map(|()| state.replace(key, &merging, &self.merge, &texts, row))
            };
            if done.is_none() {
                return Ok(Err(Stop { row }));
            }
        }
        Ok(if usable < ids.len() { Err(Stop { row: usable }) } else { Ok(()) })
    }

    /// The folded values by number of their key.
    pub fn finish(self) -> EngineResult<(Kind, ArrayRef)> {
        self.state.finish()
    }
}

/// The registers of an argument's leaves that are no texts, with the number of the leaf.
pub(super) fn loads(code: &Code, argument: usize) -> EngineResult<Vec<(u16, usize)>> {
    let Some(place) = code.arguments.get(argument) else {
        return Err(EngineError::Bug("a fold without its argument".to_owned()));
    };
    let leaves = place.leaves().into_iter().enumerate();
    Ok(leaves.filter(|(_, (_, text))| !text).map(|(leaf, (reg, _))| (reg, leaf)).collect())
}

impl Bench {
    pub fn new(code: &Code) -> Self {
        Self { registers: code.registers.clone(), scratch: vec![String::new(); code.scratch] }
    }

    #[inline]
    pub fn load(&mut self, into: &[(u16, usize)], columns: &[Source<'_>], row: usize) {
        for (reg, leaf) in into {
            self.registers[*reg as usize] = columns[*leaf].word(row);
        }
    }
}

impl Rows {
    pub fn new(shape: Place) -> Self {
        let leaves = shape.leaves();
        let texts = leaves.iter().filter(|(_, text)| *text).count();
        let widths = (leaves.len() - texts, texts);
        Self { shape, words: Vec::new(), texts: Vec::new(), widths, count: 0, text_bytes: 0 }
    }

    #[inline]
    fn words_of(&self, key: usize) -> &[u64] {
        &self.words[key * self.widths.0..(key + 1) * self.widths.0]
    }

    #[inline]
    fn view<'a>(
        &'a self,
        key: Option<usize>,
        values: &'a [&'a StringViewArray],
        row: usize,
        code: &'a Code,
    ) -> TextView<'a> {
        let folded = match key {
            Some(key) => &self.texts[key * self.widths.1..(key + 1) * self.widths.1],
            None => &[],
        };
        TextView { folded, values, row, constants: &code.texts }
    }

    /// One more, the result of a program that ran; its words.
    pub fn append(&mut self, made: &Bench, code: &Code, values: &[&StringViewArray], row: usize) -> &[u64] {
        let view = TextView { folded: &[], values, row, constants: &code.texts };
        for (reg, text) in &code.results {
            let word = made.registers[*reg as usize];
            if *text {
                let text = view.get(word, &made.scratch).to_owned();
                self.text_bytes += text.len();
                self.texts.push(text);
            } else {
                self.words.push(word);
            }
        }
        self.count += 1;
        &self.words[self.words.len() - self.widths.0..]
    }

    /// All of them, in order.
    pub fn finish(self) -> EngineResult<(Kind, ArrayRef)> {
        let Self { shape, words, texts, widths, count, .. } = self;
        let mut leaves = Leaves { words: &words, texts: &texts, widths, given: (0, 0) };
        Ok((shape.kind(), shape.array(count, &mut leaves)?))
    }

    #[inline]
    fn replace(&mut self, key: usize, made: &Bench, code: &Code, values: &[&StringViewArray], row: usize) {
        let words = self.words[key * self.widths.0..].iter_mut();
        let results = code.results.iter().filter(|(_, text)| !text);
        for (word, (reg, _)) in words.zip(results) {
            *word = made.registers[*reg as usize];
        }
        if self.widths.1 > 0 {
            self.replace_texts(key, made, code, values, row);
        }
    }

    fn replace_texts(&mut self, key: usize, made: &Bench, code: &Code, values: &[&StringViewArray], row: usize) {
        let first = key * self.widths.1;
        let words = || code.results.iter().filter(|(_, text)| *text).map(|(reg, _)| made.registers[*reg as usize]);
        // Texts that change places must all be read before one is written.
        let moved = words().zip(0..).any(|(word, at)| matches!(TextAt::of(word), TextAt::Folded(from) if from != at));
        let before = if moved { self.texts[first..first + self.widths.1].to_vec() } else { Vec::new() };
        let view = TextView { folded: &before, values, row, constants: &code.texts };
        for (word, at) in words().zip(0_u32..) {
            if TextAt::of(word) == TextAt::Folded(at) {
                continue;
            }
            let (text, into) = (view.get(word, &made.scratch), &mut self.texts[first + at as usize]);
            self.text_bytes = self.text_bytes - into.len() + text.len();
            into.clear();
            into.push_str(text);
        }
    }
}
