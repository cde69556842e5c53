//! Instructions over registers, and what they do.
//!
//! A register is a word: the bits of an `int` or a `float`, 0 or 1 for a `bool` (which is so an `int` as well), or where a
//! text is. There are no loops, so every instruction runs at most once a row.

use std::cmp::Ordering;

use arrow_array::StringViewArray;

use super::place::{Place, Reg};
use crate::expr::cell::compare_int_float;
use crate::expr::kernels::scalar;
use crate::expr::text::char_count;

/// Which orders of two values make a comparison true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Test {
    /// `None`: neither is less, nor are they equal.
    #[inline]
    pub fn holds(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Eq => order == Some(Ordering::Equal),
            Self::Ne => order != Some(Ordering::Equal),
            Self::Lt => order == Some(Ordering::Less),
            Self::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Self::Gt => order == Some(Ordering::Greater),
            Self::Ge => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        }
    }
}

/// Arithmetic of two numbers of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Math {
    Add,
    Sub,
    Mul,
    TrueDiv,
    FloorDiv,
    Mod,
    Pow,
    And,
    Or,
    Xor,
    LShift,
    RShift,
}

/// One step. The first register is where the result goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Op {
    Move(Reg, Reg),
    FloatOfInt(Reg, Reg),
    Int(Math, Reg, Reg, Reg),
    /// The result is a float; only for `TrueDiv`.
    DivideInts(Reg, Reg, Reg),
    Float(Math, Reg, Reg, Reg),
    NegInt(Reg, Reg),
    AbsInt(Reg, Reg),
    InvertInt(Reg, Reg),
    NegFloat(Reg, Reg),
    AbsFloat(Reg, Reg),
    /// To an `int`, towards zero.
    Trunc(Reg, Reg),
    /// To an `int`, ties to even.
    Round(Reg, Reg),
    /// A float to so many decimals.
    RoundTo(Reg, Reg, Reg),
    CompareInts(Test, Reg, Reg, Reg),
    CompareFloats(Test, Reg, Reg, Reg),
    /// An `int` with a `float`.
    CompareMixed(Test, Reg, Reg, Reg),
    CompareTexts(Test, Reg, Reg, Reg),
    /// What a container's comparison would decide by identity.
    StopIfBothNan(Reg, Reg),
    TrueInt(Reg, Reg),
    TrueFloat(Reg, Reg),
    TrueText(Reg, Reg),
    Not(Reg, Reg),
    LenText(Reg, Reg),
    /// Two texts put together, in the scratch text of the last number.
    Concat(Reg, Reg, Reg, u16),
    Jump(usize),
    JumpIf(Reg, usize),
    JumpIfNot(Reg, usize),
}

/// A program for arguments of certain kinds.
#[derive(Debug)]
pub(super) struct Code {
    pub ops: Vec<Op>,
    /// Registers as they are before the first row.
    pub registers: Vec<u64>,
    pub texts: Vec<String>,
    /// Texts that are made.
    pub scratch: usize,
    pub arguments: Vec<Place>,
    pub result: Place,
    /// Its leaves.
    pub results: Vec<(Reg, bool)>,
}

/// Where a text is, as a register holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextAt {
    /// Text number so many of the accumulator.
    Folded(u32),
    /// Leaf number so many of the new value.
    Value(u32),
    Constant(u32),
    Scratch(u32),
}

impl TextAt {
    pub fn word(self) -> u64 {
        let (tag, at) = match self {
            Self::Folded(at) => (0, at),
            Self::Value(at) => (1, at),
            Self::Constant(at) => (2, at),
            Self::Scratch(at) => (3, at),
        };
        tag << 32 | u64::from(at)
    }

    #[inline]
    pub fn of(word: u64) -> Self {
        let at = word as u32;
        match word >> 32 {
            0 => Self::Folded(at),
            1 => Self::Value(at),
            2 => Self::Constant(at),
            _ => Self::Scratch(at),
        }
    }
}

/// The texts that a row can see.
pub(super) struct TextView<'a> {
    pub folded: &'a [String],
    pub values: &'a [&'a StringViewArray],
    pub row: usize,
    pub constants: &'a [String],
}

impl TextView<'_> {
    #[inline]
    pub fn get<'s>(&'s self, word: u64, scratch: &'s [String]) -> &'s str {
        match TextAt::of(word) {
            TextAt::Folded(at) => &self.folded[at as usize],
            TextAt::Value(at) => self.values[at as usize].value(self.row),
            TextAt::Constant(at) => &self.constants[at as usize],
            TextAt::Scratch(at) => &scratch[at as usize],
        }
    }
}

#[inline]
fn float(registers: &[u64], at: Reg) -> f64 {
    f64::from_bits(registers[at as usize])
}

#[inline]
fn int(registers: &[u64], at: Reg) -> i64 {
    registers[at as usize] as i64
}

impl Code {
    /// Runs it for a row; `None` if that row has no native answer.
    #[inline]
    pub fn run(&self, registers: &mut [u64], scratch: &mut [String], texts: &TextView<'_>) -> Option<()> {
        let mut at = 0;
        while let Some(op) = self.ops.get(at) {
            at += 1;
            match *op {
                Op::Jump(to) => at = to,
                Op::JumpIf(cond, to) if registers[cond as usize] != 0 => at = to,
                Op::JumpIfNot(cond, to) if registers[cond as usize] == 0 => at = to,
                Op::JumpIf(..) | Op::JumpIfNot(..) => {}
                Op::Concat(to, a, b, into) => {
                    let mut made = std::mem::take(&mut scratch[into as usize]);
                    made.clear();
                    made.push_str(texts.get(registers[a as usize], scratch));
                    made.push_str(texts.get(registers[b as usize], scratch));
                    scratch[into as usize] = made;
                    registers[to as usize] = TextAt::Scratch(u32::from(into)).word();
                }
                Op::CompareTexts(test, to, a, b) => {
                    let (a, b) = (registers[a as usize], registers[b as usize]);
                    let order = texts.get(a, scratch).cmp(texts.get(b, scratch));
                    registers[to as usize] = u64::from(test.holds(Some(order)));
                }
                Op::TrueText(to, a) => {
                    registers[to as usize] = u64::from(!texts.get(registers[a as usize], scratch).is_empty());
                }
                Op::LenText(to, a) => {
                    registers[to as usize] = char_count(texts.get(registers[a as usize], scratch)) as u64;
                }
                Op::StopIfBothNan(a, b) => {
                    if float(registers, a).is_nan() && float(registers, b).is_nan() {
                        return None;
                    }
                }
                ref simple => simple.reckon(registers)?,
            }
        }
        Some(())
    }
}

impl Op {
    /// Numbers alone.
    #[inline]
    fn reckon(&self, registers: &mut [u64]) -> Option<()> {
        let (to, word) = match *self {
            Self::Move(to, a) => (to, registers[a as usize]),
            Self::FloatOfInt(to, a) => (to, (int(registers, a) as f64).to_bits()),
            Self::Int(math, to, a, b) => (to, int_math(math, int(registers, a), int(registers, b))? as u64),
            Self::DivideInts(to, a, b) => (to, scalar::divide(int(registers, a), int(registers, b))?.to_bits()),
            Self::Float(math, to, a, b) => (to, float_math(math, float(registers, a), float(registers, b))?.to_bits()),
            Self::NegInt(to, a) => (to, int(registers, a).checked_neg()? as u64),
            Self::AbsInt(to, a) => (to, int(registers, a).checked_abs()? as u64),
            Self::InvertInt(to, a) => (to, !registers[a as usize]),
            Self::NegFloat(to, a) => (to, (-float(registers, a)).to_bits()),
            Self::AbsFloat(to, a) => (to, float(registers, a).abs().to_bits()),
            Self::Trunc(to, a) => (to, scalar::to_int(float(registers, a).trunc())? as u64),
            Self::Round(to, a) => (to, scalar::to_int(float(registers, a).round_ties_even())? as u64),
            Self::RoundTo(to, a, digits) => {
                (to, scalar::round_to(float(registers, a), int(registers, digits))?.to_bits())
            }
            Self::CompareInts(test, to, a, b) => {
                (to, u64::from(test.holds(Some(int(registers, a).cmp(&int(registers, b))))))
            }
            Self::CompareFloats(test, to, a, b) => {
                (to, u64::from(test.holds(float(registers, a).partial_cmp(&float(registers, b)))))
            }
            Self::CompareMixed(test, to, a, b) => {
                (to, u64::from(test.holds(compare_int_float(int(registers, a), float(registers, b)))))
            }
            Self::TrueInt(to, a) => (to, u64::from(registers[a as usize] != 0)),
            Self::TrueFloat(to, a) => (to, u64::from(float(registers, a) != 0.0)),
            Self::Not(to, a) => (to, u64::from(registers[a as usize] == 0)),
            // The others are done by `run`.
            _ => return None,
        };
        registers[to as usize] = word;
        Some(())
    }
}

#[inline]
fn int_math(math: Math, a: i64, b: i64) -> Option<i64> {
    match math {
        Math::Add => a.checked_add(b),
        Math::Sub => a.checked_sub(b),
        Math::Mul => a.checked_mul(b),
        Math::And => Some(a & b),
        Math::Or => Some(a | b),
        Math::Xor => Some(a ^ b),
        Math::FloorDiv => scalar::floor_div(a, b),
        Math::Mod => scalar::floor_mod(a, b),
        Math::Pow => scalar::power(a, b),
        Math::LShift => scalar::shift_left(a, b),
        Math::RShift => scalar::shift_right(a, b),
        Math::TrueDiv => None,
    }
}

#[inline]
fn float_math(math: Math, a: f64, b: f64) -> Option<f64> {
    match math {
        Math::Add => Some(a + b),
        Math::Sub => Some(a - b),
        Math::Mul => Some(a * b),
        Math::TrueDiv => (b != 0.0).then(|| a / b),
        Math::FloorDiv => (b != 0.0).then(|| scalar::float_div_mod(a, b).0),
        Math::Mod => (b != 0.0).then(|| scalar::float_div_mod(a, b).1),
        Math::Pow => scalar::float_power(a, b),
        Math::And | Math::Or | Math::Xor | Math::LShift | Math::RShift => None,
    }
}
