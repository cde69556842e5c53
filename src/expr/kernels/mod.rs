//! What each operation does to columns.
//!
//! `apply` chooses by operation and by the types of the operands; a combination without a kernel is a bail. Kernels get
//! at least one row, constants as constants of simple types, and never evaluate anything else.

mod affix;
mod arith;
mod can;
mod case;
mod compare;
mod convert;
mod fill;
mod float;
mod format;
mod item;
mod mask;
mod member;
mod minmax;
mod num;
mod parse;
mod percent;
mod regex;
mod repr;
pub(super) mod scalar;
mod search;
mod sequence;
mod slice;
mod split;
mod zip;

pub(super) use format::formatted;
pub(super) use item::attribute;
pub(super) use mask::{Mask, truth};
pub(super) use regex::find;
pub(super) use repr::show_constant;
pub(super) use sequence::items_of;

use super::ops::{Basic, Method, Op};
use super::text::{self, Texts};
use super::val::Val;
use super::{Result, bail};

/// The result of an operation on these operands.
pub(super) fn apply(op: &Op, operands: &[Val], rows: usize) -> Result<Val> {
    match op {
        Op::Basic(op) => basic(*op, operands, rows),
        Op::Method { method, of_text } => match operands.split_first() {
            Some((of, _)) if *of_text && Texts::of(of)?.is_none() => bail(format!("str.{} of no text", method.name())),
            Some((of, rest)) => call(*method, of, rest, rows),
            None => bail("a method of nothing"),
        },
        Op::Unknown(name) => bail(format!("no native form of {name}")),
    }
}

fn basic(op: Basic, operands: &[Val], rows: usize) -> Result<Val> {
    use Basic::*;
    match (op, operands) {
        (Eq | Ne | Lt | Le | Gt | Ge, [a, b]) => compare::compare(op, a, b, rows),
        (Is | IsNot, [a, b]) => compare::identical(a, b, rows, op == IsNot),
        (In | NotIn, [item, container]) => member::member(item, container, rows, op == NotIn),
        (Add | Sub | Mul | TrueDiv | FloorDiv | Mod | Pow | LShift | RShift | BitAnd | BitOr | BitXor, [a, b]) => {
            arith::binary(op, a, b, rows)
        }
        // In place a list would change where others see it.
        (IAdd | IMul, [Val::List(_), _]) => bail("a list that is changed in place"),
        (IAdd, [a, b]) => arith::binary(Add, a, b, rows),
        (IMul, [a, b]) => arith::binary(Mul, a, b, rows),
        (Unpack, [a, Val::Const(super::Value::Int(count))]) => sequence::unpack(a, *count, rows),
        (CanInt, [a]) => can::int(a, rows),
        (CanFloat, [a]) => can::float(a, rows),
        (CanUnpack, [a, Val::Const(super::Value::Int(count))]) => can::unpack(a, *count, rows),
        (CanGetItem, [of, at]) => can::get_item(of, at, rows),
        (CanDivide, [a, b]) => can::divide(a, b, rows),
        (DivMod, [a, b]) => {
            Ok(Val::tuple(vec![arith::numbers_only(FloorDiv, a, b, rows)?, arith::numbers_only(Mod, a, b, rows)?]))
        }
        (Neg | Pos | Invert | Abs, [a]) => arith::unary(op, a, rows),
        (Round, [a]) => arith::round(a, rows),
        (Round, [a, digits]) => arith::round_to(a, digits, rows),
        (GetItem, [of, at]) => item::get_item(of, at, rows),
        (Slice, [of, start, stop, step]) => slice::slice(of, [start, stop, step], rows),
        (Len, [a]) => sequence::len(a, rows),
        (Int, operands) => convert::int(operands, rows),
        (Float, [a]) => convert::float(a, rows),
        (Str, [a]) => convert::text(a, rows),
        (Repr, [a]) => convert::repr(a, rows),
        (Bool, [a]) => Ok(truth(a, rows)?.into_val(rows)),
        (Ord, [a]) => convert::ord(a, rows),
        (Chr, [a]) => convert::chr(a, rows),
        (Min | Max, [a]) => minmax::of_items(op, a, rows),
        (Min | Max, several) => minmax::of_values(op, several, rows),
        (Sum | CompensatedSum, [a]) => sequence::sum(a, None, op == CompensatedSum, rows),
        (Sum | CompensatedSum, [a, start]) => sequence::sum(a, Some(start), op == CompensatedSum, rows),
        (Any | All, [a]) => sequence::any_all(op == Any, a, rows),
        (Sorted, [a]) => sequence::sorted(a, a, false, rows),
        (SortedBy, [a, keys, Val::Const(super::Value::Bool(reverse))]) => sequence::sorted(a, keys, *reverse, rows),
        (MaxBy | MinBy, [a, keys]) => minmax::of_items_by(op, a, keys, rows),
        (Range, ends) => sequence::range(ends, rows),
        (Sqrt, [a]) => float::sqrt(a, rows),
        (Log | Log2 | Log10, [a]) => float::logarithm(op, a, rows),
        (Exp, [a]) => float::exp(a, rows),
        (Zip, lists) => zip::zip(lists, rows),
        (Distinct, [a]) => zip::distinct(a, rows),
        (Floor | Ceil, [a]) => float::whole(op, a, rows),
        (Reversed, [a]) => sequence::reversed(a, rows),
        (List, [a]) => sequence::list(a, rows),
        (Tuple, [a]) => sequence::tuple(a, rows),
        (ReFindAll, [regex, text]) => regex::find_all(regex, text, rows),
        (ReSplit, [regex, text, most]) => regex::split(regex, text, most, rows),
        (ReSub, [regex, text, template, most]) => regex::sub(regex, text, template, most, rows),
        (Format, [a]) => formatted(a, None, "", rows),
        (Format, [a, Val::Const(super::Value::Str(spec))]) => formatted(a, None, spec, rows),
        _ => bail(format!("{} with {} operands", op.name(), operands.len())),
    }
}

/// `of.method(rest)`.
fn call(method: Method, of: &Val, rest: &[Val], rows: usize) -> Result<Val> {
    use Method::*;
    match (of, method, rest) {
        (Val::Table(table), Get, [key]) => return table.get(key, Some(&Val::NONE), rows),
        (Val::Table(table), Get, [key, default]) => return table.get(key, Some(default), rows),
        (Val::Tuple(_) | Val::List(_), Count, [item]) => return member::count(of, item, rows),
        (Val::Tuple(_) | Val::List(_), Index, [item]) => return member::index(of, item, rows),
        (value, IsInteger, []) => return float::is_integer(value, rows),
        (value, BitLength, []) => return arith::bit_length(value, rows),
        _ => {}
    }
    let Some(texts) = Texts::of(of)? else {
        return bail(format!("no native form of {}.{}", of.type_name(), method.name()));
    };
    match (method, rest) {
        (Lower | Upper | Title | Capitalize | SwapCase | CaseFold, []) => case::change(method, texts, rows),
        (IsDigit | IsDecimal | IsNumeric | IsAlpha | IsAlnum | IsSpace | IsUpper | IsLower | IsAscii | IsTitle, []) => {
            case::test(method, texts, rows)
        }
        (Strip | LStrip | RStrip, []) => affix::strip(method, texts, None, rows),
        (Strip | LStrip | RStrip, [chars]) => affix::strip(method, texts, Some(chars), rows),
        (RemovePrefix | RemoveSuffix, [affix]) => affix::remove(method, texts, Texts::expect(affix)?, rows),
        (StartsWith | EndsWith, [affix]) => affix::has(method, texts, affix, rows),
        (Split | RSplit, rest) => split::split(method, texts, rest, rows),
        (SplitLines, rest) => split::lines(texts, rest, rows),
        (Partition | RPartition, [at]) => split::partition(method, texts, Texts::expect(at)?, rows),
        (Replace, [old, new]) => search::replace(texts, Texts::expect(old)?, Texts::expect(new)?, None, rows),
        (Replace, [old, new, count]) => {
            search::replace(texts, Texts::expect(old)?, Texts::expect(new)?, Some(count), rows)
        }
        (Find | RFind | Index | RIndex | Count, [part]) => search::find(method, texts, Texts::expect(part)?, rows),
        (Join, [parts]) => sequence::join(texts, parts, rows),
        (ZFill, [width]) => fill::zfill(texts, width, rows),
        (LJust | RJust | Center, [width]) => fill::justify(method, texts, width, ' ', rows),
        (LJust | RJust | Center, [width, Val::Const(super::Value::Str(fill))]) => {
            let mut chars = fill.chars();
            match (chars.next(), chars.next()) {
                (Some(fill), None) => fill::justify(method, texts, width, fill, rows),
                _ => bail("a fill of several characters"),
            }
        }
        (Format, rest) => format::method(texts, rest, rows),
        _ => bail(format!("no native form of str.{} with {} operands", method.name(), rest.len())),
    }
}

/// An f-string: texts put together.
pub(super) fn joined(parts: &[Val], rows: usize) -> Result<Val> {
    let parts: Vec<Texts<'_>> = parts.iter().map(Texts::expect).collect::<Result<_>>()?;
    text::build(rows, |row, out| {
        parts.iter().for_each(|part| out.push_str(part.get(row)));
        Ok(())
    })
}
