//! To which partition does a key go, where a function of the program or of a sort says so?

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;

use super::form::Form;
use crate::block::Columns;
use crate::kernel::sort::SortKeys;

/// The targets of keys, one each; `None` when Python must say.
pub fn targets_by_form(form: &Form, keys: &Columns, targets: usize) -> Option<Vec<u32>> {
    match form {
        Form::Ranges { bounds, key, ascending } => {
            let keys = match key {
                None => keys.clone(),
                Some(program) => program.eval(std::slice::from_ref(keys), keys.len()).ok()?,
            };
            let same = keys.kind() == bounds.kind();
            let bounds = SortKeys::new(bounds.kind(), bounds.array()).filter(|_| same)?;
            let last = targets as u32 - 1;
            let ranges = SortKeys::new(keys.kind(), keys.array())?.ranges(&bounds).into_iter();
            Some(ranges.map(|range| if *ascending { range } else { last.saturating_sub(range) }).collect())
        }
        Form::Program(program) => {
            let found = program.eval(std::slice::from_ref(keys), keys.len()).ok()?;
            let numbers = found.array().as_primitive_opt::<Int64Type>().filter(|numbers| numbers.null_count() == 0)?;
            Some(numbers.values().iter().map(|number| number.rem_euclid(targets as i64) as u32).collect())
        }
        _ => None,
    }
}
