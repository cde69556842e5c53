//! An expression as instructions, for arguments of known kinds.
//!
//! A node is computed where it is first used; inside of a branch its value counts for the rest of that branch only. What
//! the kinds alone decide (`acc is None`) is decided here, and the other way is left out.

use hashbrown::HashMap;

use super::code::{Code, Math, Op, Test, TextAt};
use super::place::{Place, Reg};
use crate::block::Kind;
use crate::expr::node::{Expr, Node, NodeId};
use crate::expr::ops::{self, Basic};
use crate::expr::value::{Real, Value};
use crate::expr::{Result, bail};

/// Most instructions, and most registers.
const MOST_OPS: usize = 4000;
const MOST_REGISTERS: usize = 8000;

/// The truth of a value.
enum Truth {
    Known(bool),
    In(Reg),
}

pub(super) struct Compiler<'e> {
    expr: &'e Expr,
    ops: Vec<Op>,
    registers: Vec<u64>,
    /// Registers that never change.
    constants: HashMap<Reg, u64>,
    texts: Vec<String>,
    scratch: u16,
    arguments: Vec<Place>,
    /// Values by node: of the whole program, then of each branch around.
    known: Vec<HashMap<NodeId, Place>>,
}

/// `expr` for arguments of these kinds. The texts of the first are leaves of the accumulator where `folds`, else all are of
/// the new value.
pub(super) fn compile(expr: &Expr, kinds: &[&Kind], folds: bool) -> Result<Code> {
    let mut compiler = Compiler {
        expr,
        ops: Vec::new(),
        registers: Vec::new(),
        constants: HashMap::new(),
        texts: Vec::new(),
        scratch: 0,
        arguments: Vec::new(),
        known: vec![HashMap::new()],
    };
    for (position, kind) in kinds.iter().enumerate() {
        compiler.argument(kind, folds && position == 0)?;
    }
    let result = compiler.node(expr.root())?;
    let Compiler { ops, registers, texts, scratch, arguments, .. } = compiler;
    let results = result.leaves();
    Ok(Code { ops, registers, texts, scratch: scratch as usize, arguments, result, results })
}

impl Compiler<'_> {
    fn argument(&mut self, kind: &Kind, folded: bool) -> Result<()> {
        let place = Place::of_kind(kind, &mut || self.register(0))?;
        let texts = place.leaves().into_iter().enumerate().filter(|(_, (_, text))| *text);
        for (number, (leaf, (reg, _))) in texts.enumerate() {
            let at = if folded { TextAt::Folded(number as u32) } else { TextAt::Value(leaf as u32) };
            self.registers[reg as usize] = at.word();
        }
        self.arguments.push(place);
        Ok(())
    }

    fn register(&mut self, word: u64) -> Result<Reg> {
        if self.registers.len() >= MOST_REGISTERS {
            return bail("a function too large for a fold");
        }
        self.registers.push(word);
        Ok((self.registers.len() - 1) as Reg)
    }

    fn constant_word(&mut self, word: u64) -> Result<Reg> {
        let reg = self.register(word)?;
        self.constants.insert(reg, word);
        Ok(reg)
    }

    fn known_bool(&mut self, value: bool) -> Result<Place> {
        self.constant_word(u64::from(value)).map(Place::Bool)
    }

    /// Adds an instruction; its place among them.
    fn emit(&mut self, op: Op) -> Result<usize> {
        if self.ops.len() >= MOST_OPS {
            return bail("a function too large for a fold");
        }
        self.ops.push(op);
        Ok(self.ops.len() - 1)
    }

    /// Adds an instruction with a result.
    fn make(&mut self, op: impl FnOnce(Reg) -> Op) -> Result<Reg> {
        let to = self.register(0)?;
        self.emit(op(to))?;
        Ok(to)
    }

    /// Lets the jump at `from` go to what comes next.
    fn land(&mut self, from: usize) {
        let here = self.ops.len();
        match &mut self.ops[from] {
            Op::Jump(to) | Op::JumpIf(_, to) | Op::JumpIfNot(_, to) => *to = here,
            _ => {}
        }
    }

    fn node(&mut self, id: NodeId) -> Result<Place> {
        if let Some(known) = self.known.iter().rev().find_map(|scope| scope.get(&id)) {
            return Ok(known.clone());
        }
        let place = self.compute(id)?;
        if let Some(scope) = self.known.last_mut() {
            scope.insert(id, place.clone());
        }
        Ok(place)
    }

    fn compute(&mut self, id: NodeId) -> Result<Place> {
        let expr = self.expr;
        match expr.node(id)? {
            Node::Arg(position) => match self.arguments.get(*position) {
                Some(place) => Ok(place.clone()),
                None => bail("an argument that is not given"),
            },
            Node::Const(value) => self.constant(value),
            Node::Tuple(items) => {
                Ok(Place::Tuple(items.iter().map(|item| self.node(*item)).collect::<Result<_>>()?, None))
            }
            Node::If { cond, then, other } => {
                let cond = self.node(*cond)?;
                self.choice(&cond, |c| c.node(*then), |c| c.node(*other))
            }
            Node::And(a, b) => {
                let first = self.node(*a)?;
                let kept = first.clone();
                self.choice(&first, |c| c.node(*b), |_| Ok(kept))
            }
            Node::Or(a, b) => {
                let first = self.node(*a)?;
                let kept = first.clone();
                self.choice(&first, |_| Ok(kept), |c| c.node(*b))
            }
            Node::Not(a) => {
                let a = self.node(*a)?;
                match self.truth(&a)? {
                    Truth::Known(value) => self.known_bool(!value),
                    Truth::In(reg) => self.make(|to| Op::Not(to, reg)).map(Place::Bool),
                }
            }
            Node::Seq(first, value) => {
                for id in first {
                    self.node(*id)?;
                }
                self.node(*value)
            }
            Node::Attr(of, name) => match self.node(*of)? {
                Place::Tuple(items, Some(class)) => {
                    let place = class.fields().iter().position(|field| **field == **name);
                    match place.and_then(|place| items.get(place)) {
                        Some(item) => Ok(item.clone()),
                        None => bail(format!("no native form of the attribute {name}")),
                    }
                }
                other => bail(format!("no native form of {}.{name}", other.type_name())),
            },
            Node::Op(ops::Op::Basic(op), operands) => {
                let operands = operands.iter().map(|operand| self.node(*operand)).collect::<Result<Vec<_>>>()?;
                self.operation(*op, &operands)
            }
            Node::Op(op, _) => bail(format!("a fold with {}", op.name())),
            Node::List(_) | Node::Each { .. } | Node::Keep { .. } | Node::Item => bail("a fold with lists"),
            Node::Table(_) => bail("a fold with a dict"),
            Node::Regex(_) => bail("a fold with a regular expression"),
            Node::FString(_) | Node::Format(_) => bail("a fold with formatted text"),
        }
    }

    fn constant(&mut self, value: &Value) -> Result<Place> {
        Ok(match value {
            Value::None => Place::None,
            Value::Bool(value) => self.known_bool(*value)?,
            Value::Int(value) => Place::Int(self.constant_word(*value as u64)?),
            Value::Float(Real(value)) => Place::Float(self.constant_word(value.to_bits())?),
            Value::Str(text) => {
                self.texts.push(text.to_string());
                // Which text it is says nothing of its truth, so it is no constant as far as that goes.
                Place::Str(self.register(TextAt::Constant(self.texts.len() as u32 - 1).word())?)
            }
            Value::Tuple(items) => {
                Place::Tuple(items.iter().map(|item| self.constant(item)).collect::<Result<_>>()?, None)
            }
            Value::Big(_) => return bail("an int beyond 64 bits"),
            Value::Bytes(_) => return bail("a fold with bytes"),
        })
    }

    fn truth(&mut self, place: &Place) -> Result<Truth> {
        let reg = match place {
            Place::None => return Ok(Truth::Known(false)),
            Place::Tuple(items, _) => return Ok(Truth::Known(!items.is_empty())),
            Place::Bool(reg) | Place::Int(reg) | Place::Float(reg) | Place::Str(reg) => *reg,
        };
        if let Some(word) = self.constants.get(&reg) {
            let zero = if matches!(place, Place::Float(_)) { f64::from_bits(*word) == 0.0 } else { *word == 0 };
            return Ok(Truth::Known(!zero));
        }
        Ok(Truth::In(match place {
            Place::Int(_) => self.make(|to| Op::TrueInt(to, reg))?,
            Place::Float(_) => self.make(|to| Op::TrueFloat(to, reg))?,
            Place::Str(_) => self.make(|to| Op::TrueText(to, reg))?,
            _ => reg,
        }))
    }

    /// `then if cond else other`.
    fn choice(
        &mut self,
        cond: &Place,
        then: impl FnOnce(&mut Self) -> Result<Place>,
        other: impl FnOnce(&mut Self) -> Result<Place>,
    ) -> Result<Place> {
        let cond = match self.truth(cond)? {
            Truth::Known(true) => return then(self),
            Truth::Known(false) => return other(self),
            Truth::In(reg) => reg,
        };
        let to_other = self.emit(Op::JumpIfNot(cond, 0))?;
        let yes = self.within(then)?;
        let chosen = self.fresh(&yes)?;
        self.copy(&yes, &chosen)?;
        let to_end = self.emit(Op::Jump(0))?;
        self.land(to_other);
        let no = self.within(other)?;
        if !no.is_like(&yes) {
            return bail(format!("{} or {}, as a row decides", yes.type_name(), no.type_name()));
        }
        self.copy(&no, &chosen)?;
        self.land(to_end);
        Ok(chosen)
    }

    /// A branch: what it computes is not known after it.
    fn within(&mut self, branch: impl FnOnce(&mut Self) -> Result<Place>) -> Result<Place> {
        self.known.push(HashMap::new());
        let place = branch(self);
        self.known.pop();
        place
    }

    /// New registers for a value of the same type.
    fn fresh(&mut self, like: &Place) -> Result<Place> {
        let mut next = || self.register(0);
        Ok(match like {
            Place::None => Place::None,
            Place::Bool(_) => Place::Bool(next()?),
            Place::Int(_) => Place::Int(next()?),
            Place::Float(_) => Place::Float(next()?),
            Place::Str(_) => Place::Str(next()?),
            Place::Tuple(items, class) => {
                Place::Tuple(items.iter().map(|item| self.fresh(item)).collect::<Result<_>>()?, class.clone())
            }
        })
    }

    fn copy(&mut self, from: &Place, to: &Place) -> Result<()> {
        for ((from, _), (to, _)) in from.leaves().into_iter().zip(to.leaves()) {
            self.emit(Op::Move(to, from))?;
        }
        Ok(())
    }

    fn operation(&mut self, op: Basic, operands: &[Place]) -> Result<Place> {
        use Basic::{
            Abs, Add, BitAnd, BitOr, BitXor, Bool, DivMod, Eq, Float, FloorDiv, Ge, GetItem, Gt, IAdd, IMul, Int,
            Invert, Is, IsNot, LShift, Le, Len, Lt, Max, Min, Mod, Mul, Ne, Neg, Pos, Pow, RShift, Round, Sub, TrueDiv,
            Tuple, Unpack,
        };
        match (op, operands) {
            (Add | IAdd, [a, b]) => self.sum(a, b),
            (Mul | IMul, [a, b]) => self.math(Math::Mul, a, b),
            (Sub, [a, b]) => self.math(Math::Sub, a, b),
            (TrueDiv, [a, b]) => self.math(Math::TrueDiv, a, b),
            (FloorDiv, [a, b]) => self.math(Math::FloorDiv, a, b),
            (Mod, [a, b]) => self.math(Math::Mod, a, b),
            (Pow, [a, b]) => self.math(Math::Pow, a, b),
            (LShift, [a, b]) => self.math(Math::LShift, a, b),
            (RShift, [a, b]) => self.math(Math::RShift, a, b),
            (BitAnd, [a, b]) => self.math(Math::And, a, b),
            (BitOr, [a, b]) => self.math(Math::Or, a, b),
            (BitXor, [a, b]) => self.math(Math::Xor, a, b),
            (DivMod, [a, b]) => {
                let parts = vec![self.math(Math::FloorDiv, a, b)?, self.math(Math::Mod, a, b)?];
                Ok(Place::Tuple(parts, None))
            }
            (Eq | Ne | Lt | Le | Gt | Ge, [a, b]) => self.compare(test_of(op), a, b, false),
            (Is | IsNot, [a, b]) => self.identical(a, b, op == IsNot),
            (Min | Max, [Place::Tuple(items, _)]) => self.best(op, items),
            (Min | Max, several) if several.len() > 1 => self.best(op, several),
            (GetItem, [Place::Tuple(items, _), Place::Int(at) | Place::Bool(at)]) => {
                let Some(at) = self.constants.get(at).map(|at| *at as i64) else {
                    return bail("an item of a tuple, as a row decides");
                };
                let place = if at < 0 { at.saturating_add(items.len() as i64) } else { at };
                match usize::try_from(place).ok().and_then(|place| items.get(place)) {
                    Some(item) => Ok(item.clone()),
                    None => bail("an index out of range"),
                }
            }
            (Unpack, [Place::Tuple(items, _), Place::Int(count)]) => {
                let count = self.constants.get(count).copied();
                if count != Some(items.len() as u64) {
                    return bail("a tuple of another length than its names");
                }
                Ok(Place::Tuple(items.clone(), None))
            }
            (Tuple, [Place::Tuple(items, _)]) => Ok(Place::Tuple(items.clone(), None)),
            (Len, [Place::Tuple(items, _)]) => self.constant_word(items.len() as u64).map(Place::Int),
            (Len, [Place::Str(a)]) => self.make(|to| Op::LenText(to, *a)).map(Place::Int),
            (Bool, [a]) => match self.truth(a)? {
                Truth::Known(value) => self.known_bool(value),
                Truth::In(reg) => Ok(Place::Bool(reg)),
            },
            (Int, [Place::Int(a) | Place::Bool(a)]) => Ok(Place::Int(*a)),
            (Int, [Place::Float(a)]) => self.make(|to| Op::Trunc(to, *a)).map(Place::Int),
            (Float, [Place::Float(a)]) => Ok(Place::Float(*a)),
            (Float, [Place::Int(a) | Place::Bool(a)]) => self.make(|to| Op::FloatOfInt(to, *a)).map(Place::Float),
            (Round, [Place::Int(a) | Place::Bool(a)] | [Place::Int(a) | Place::Bool(a), Place::None]) => {
                Ok(Place::Int(*a))
            }
            (Round, [Place::Float(a)] | [Place::Float(a), Place::None]) => {
                self.make(|to| Op::Round(to, *a)).map(Place::Int)
            }
            (Round, [Place::Float(a), Place::Int(digits)]) => {
                self.make(|to| Op::RoundTo(to, *a, *digits)).map(Place::Float)
            }
            (Neg | Pos | Abs | Invert, [a]) => self.unary(op, a),
            _ => bail(format!("a fold with {} of {}", op.name(), names(operands))),
        }
    }

    fn unary(&mut self, op: Basic, a: &Place) -> Result<Place> {
        match (op, a) {
            (Basic::Pos, Place::Int(a) | Place::Bool(a)) => Ok(Place::Int(*a)),
            (Basic::Neg, Place::Int(a) | Place::Bool(a)) => self.make(|to| Op::NegInt(to, *a)).map(Place::Int),
            (Basic::Abs, Place::Int(a) | Place::Bool(a)) => self.make(|to| Op::AbsInt(to, *a)).map(Place::Int),
            (Basic::Invert, Place::Int(a)) => self.make(|to| Op::InvertInt(to, *a)).map(Place::Int),
            (Basic::Pos, Place::Float(a)) => Ok(Place::Float(*a)),
            (Basic::Neg, Place::Float(a)) => self.make(|to| Op::NegFloat(to, *a)).map(Place::Float),
            (Basic::Abs, Place::Float(a)) => self.make(|to| Op::AbsFloat(to, *a)).map(Place::Float),
            _ => bail(format!("a fold with {} of {}", op.name(), a.type_name())),
        }
    }

    /// `a + b`
    fn sum(&mut self, a: &Place, b: &Place) -> Result<Place> {
        match (a, b) {
            (Place::Str(a), Place::Str(b)) => {
                let into = self.scratch;
                self.scratch += 1;
                self.make(|to| Op::Concat(to, *a, *b, into)).map(Place::Str)
            }
            (Place::Tuple(a, _), Place::Tuple(b, _)) => Ok(Place::Tuple([a.clone(), b.clone()].concat(), None)),
            _ => self.math(Math::Add, a, b),
        }
    }

    fn math(&mut self, math: Math, a: &Place, b: &Place) -> Result<Place> {
        let (x, y) = match (a, b) {
            (Place::Bool(x), Place::Bool(y)) if matches!(math, Math::And | Math::Or | Math::Xor) => {
                return self.make(|to| Op::Int(math, to, *x, *y)).map(Place::Bool);
            }
            (Place::Int(x) | Place::Bool(x), Place::Int(y) | Place::Bool(y)) if math == Math::TrueDiv => {
                return self.make(|to| Op::DivideInts(to, *x, *y)).map(Place::Float);
            }
            (Place::Int(x) | Place::Bool(x), Place::Int(y) | Place::Bool(y)) => {
                return self.make(|to| Op::Int(math, to, *x, *y)).map(Place::Int);
            }
            _ => (self.as_float(math, a)?, self.as_float(math, b)?),
        };
        if matches!(math, Math::And | Math::Or | Math::Xor | Math::LShift | Math::RShift) {
            return bail("a fold with bits of floats");
        }
        self.make(|to| Op::Float(math, to, x, y)).map(Place::Float)
    }

    fn as_float(&mut self, math: Math, place: &Place) -> Result<Reg> {
        match place {
            Place::Float(reg) => Ok(*reg),
            Place::Int(reg) | Place::Bool(reg) => self.make(|to| Op::FloatOfInt(to, *reg)),
            other => bail(format!("a fold with {math:?} of {}", other.type_name())),
        }
    }

    /// The first of the best ones.
    fn best(&mut self, op: Basic, values: &[Place]) -> Result<Place> {
        let Some((first, rest)) = values.split_first() else { return bail("min or max of nothing") };
        let mut best = first.clone();
        for value in rest {
            let test = if op == Basic::Max { Test::Gt } else { Test::Lt };
            let wins = self.compare(test, value, &best, false)?;
            let kept = best;
            best = self.choice(&wins, |_| Ok(value.clone()), |_| Ok(kept))?;
        }
        Ok(best)
    }

    /// `a is b`, where values decide it.
    fn identical(&mut self, a: &Place, b: &Place, negate: bool) -> Result<Place> {
        match (a, b) {
            (Place::None, other) | (other, Place::None) => self.known_bool(matches!(other, Place::None) != negate),
            (Place::Bool(a), Place::Bool(b)) => {
                let test = if negate { Test::Ne } else { Test::Eq };
                self.make(|to| Op::CompareInts(test, to, *a, *b)).map(Place::Bool)
            }
            (Place::Bool(_), _) | (_, Place::Bool(_)) => self.known_bool(negate),
            _ => bail("a comparison by identity"),
        }
    }

    /// A comparison; `inside` of a container the same object is equal to itself, NaN too.
    fn compare(&mut self, test: Test, a: &Place, b: &Place, inside: bool) -> Result<Place> {
        let made = match (a, b) {
            (Place::Int(a) | Place::Bool(a), Place::Int(b) | Place::Bool(b)) => {
                self.make(|to| Op::CompareInts(test, to, *a, *b))?
            }
            (Place::Float(a), Place::Float(b)) => {
                if inside {
                    self.emit(Op::StopIfBothNan(*a, *b))?;
                }
                self.make(|to| Op::CompareFloats(test, to, *a, *b))?
            }
            (Place::Int(a) | Place::Bool(a), Place::Float(b)) => self.make(|to| Op::CompareMixed(test, to, *a, *b))?,
            (Place::Float(a), Place::Int(b) | Place::Bool(b)) => {
                self.make(|to| Op::CompareMixed(turned(test), to, *b, *a))?
            }
            (Place::Str(a), Place::Str(b)) => self.make(|to| Op::CompareTexts(test, to, *a, *b))?,
            (Place::Tuple(a, _), Place::Tuple(b, _)) => return self.compare_tuples(test, a, b),
            (a, b) => {
                let equal = matches!((a, b), (Place::None, Place::None));
                return match test {
                    Test::Eq => self.known_bool(equal),
                    Test::Ne => self.known_bool(!equal),
                    _ => bail(format!("an order of {} and {}", a.type_name(), b.type_name())),
                };
            }
        };
        Ok(Place::Bool(made))
    }

    /// By the first items that differ, else by the lengths.
    fn compare_tuples(&mut self, test: Test, a: &[Place], b: &[Place]) -> Result<Place> {
        if a.len() != b.len() && matches!(test, Test::Eq | Test::Ne) {
            return self.known_bool(test == Test::Ne);
        }
        let result = self.register(0)?;
        let mut to_end = Vec::new();
        for (a, b) in a.iter().zip(b) {
            let equal = self.compare(Test::Eq, a, b, true)?;
            let past = match self.truth(&equal)? {
                Truth::Known(true) => continue,
                Truth::Known(false) => None,
                Truth::In(reg) => Some(self.emit(Op::JumpIf(reg, 0))?),
            };
            let decided = match test {
                Test::Eq => self.known_bool(false)?,
                Test::Ne => self.known_bool(true)?,
                _ => self.compare(test, a, b, false)?,
            };
            self.copy(&decided, &Place::Bool(result))?;
            to_end.push(self.emit(Op::Jump(0))?);
            match past {
                Some(past) => self.land(past),
                None => break,
            }
        }
        let by_length = self.known_bool(test.holds(Some(a.len().cmp(&b.len()))))?;
        self.copy(&by_length, &Place::Bool(result))?;
        to_end.into_iter().for_each(|jump| self.land(jump));
        Ok(Place::Bool(result))
    }
}

fn test_of(op: Basic) -> Test {
    match op {
        Basic::Eq => Test::Eq,
        Basic::Ne => Test::Ne,
        Basic::Lt => Test::Lt,
        Basic::Le => Test::Le,
        Basic::Gt => Test::Gt,
        _ => Test::Ge,
    }
}

/// The test of `b` with `a` that says what `test` says of `a` with `b`.
fn turned(test: Test) -> Test {
    match test {
        Test::Lt => Test::Gt,
        Test::Le => Test::Ge,
        Test::Gt => Test::Lt,
        Test::Ge => Test::Le,
        same => same,
    }
}

fn names(places: &[Place]) -> String {
    places.iter().map(Place::type_name).collect::<Vec<_>>().join(" and ")
}
