//! Elements of records in a row, where each record may change the state of its key.

use arrow_array::{ArrayRef, StringViewArray};

use super::code::{Code, TextView};
use super::compile::compile;
use super::folder::{Bench, Rows, loads};
use super::place::{Place, Source, sources};
use crate::block::Kind;
use crate::error::Result as EngineResult;
use crate::expr::program::Program;
use crate::expr::{Result, bail};

/// A function of a state and a record that gives a tuple: an element, the state afterwards, and a number. States are numbers
/// and truths, and tuples of these, which every key has.
pub struct RowMapper {
    state: Kind,
    code: Code,
    /// Where among the words of a result its state is.
    from: usize,
}

impl RowMapper {
    /// For states and records of these kinds.
    pub fn new(program: &Program, state: &Kind, record: &Kind) -> Result<Self> {
        if program.arity() != 2 {
            return bail("a function that takes another number of arguments");
        }
        let code = compile(program.expr(), &[state, record], true)?;
        let Place::Tuple(items, _) = &code.result else { return bail("a result that is no tuple") };
        let [element, after, _] = items.as_slice() else { return bail("a result of another number of parts") };
        if after.kind() != *state || after.leaves().iter().any(|(_, text)| *text) {
            return bail("states of text, or of several kinds");
        }
        let from = element.leaves().iter().filter(|(_, text)| !text).count();
        Ok(Self { state: state.clone(), code, from })
    }

    /// The results for all records, in order. `ids[i]` says which of `states` is that of record i. None if some record has
    /// no answer here.
    pub fn map(
        &self,
        states: &ArrayRef,
        ids: &[u32],
        records: (&Kind, &ArrayRef),
    ) -> EngineResult<Option<(Kind, ArrayRef)>> {
        let (mut before, mut columns) = (Vec::new(), Vec::new());
        let all_there = sources(&self.state, states, &mut before)? == states.len();
        if !all_there || sources(records.0, records.1, &mut columns)? < ids.len() {
            return Ok(None);
        }
        let empty = StringViewArray::from_iter_values(std::iter::empty::<&str>());
        let texts: Vec<&StringViewArray> =
            columns.iter().map(|column| if let Source::Str(texts) = column { *texts } else { &empty }).collect();
        let width = before.len();
        let mut words: Vec<u64> =
            (0..states.len()).flat_map(|key| before.iter().map(move |leaf| leaf.word(key))).collect();
        let (state, record) = (loads(&self.code, 0)?, loads(&self.code, 1)?);
        let mut bench = Bench::new(&self.code);
        let mut rows = Rows::new(self.code.result.clone());
        for (row, id) in ids.iter().enumerate() {
            let mine = &mut words[*id as usize * width..][..width];
            for ((reg, _), word) in state.iter().zip(mine.iter()) {
                bench.registers[*reg as usize] = *word;
            }
            bench.load(&record, &columns, row);
            let view = TextView { folded: &[], values: &texts, row, constants: &self.code.texts };
            if self.code.run(&mut bench.registers, &mut bench.scratch, &view).is_none() {
                return Ok(None);
            }
            let made = rows.append(&bench, &self.code, &texts, row);
            mine.copy_from_slice(&made[self.from..self.from + width]);
        }
        rows.finish().map(Some)
    }
}
