//! Programs for people: Python-like text.

use super::kernels::show_constant;
use super::node::{Expr, Node, NodeId, Part};
use super::ops::{Basic, Op};
use super::value::Value;

/// About how much text is made; an expression with shared nodes could be without end.
const MAX_TEXT: usize = 400;

/// `lambda x0, x1: ...`
pub(super) fn program(expr: &Expr, arity: usize) -> String {
    let mut shown = Shown { expr, out: String::from("lambda") };
    for position in 0..arity {
        shown.out.push_str(if position == 0 { " " } else { ", " });
        shown.out.push_str(&format!("x{position}"));
    }
    shown.out.push_str(": ");
    shown.node(expr.root());
    shown.out
}

struct Shown<'a> {
    expr: &'a Expr,
    out: String,
}

impl Shown<'_> {
    fn node(&mut self, id: NodeId) {
        let Ok(node) = self.expr.node(id) else { return self.text("?") };
        if self.out.len() > MAX_TEXT {
            return self.text("...");
        }
        match node {
            Node::Arg(position) => self.text(&format!("x{position}")),
            Node::Item => self.text("item"),
            Node::Const(value) => self.text(&show_constant(value)),
            Node::Table(entries) => {
                self.text("{");
                for (number, (key, value)) in entries.iter().enumerate().take(3) {
                    let comma = if number > 0 { ", " } else { "" };
                    self.text(&format!("{comma}{}: {}", show_constant(key), show_constant(value)));
                }
                self.text(if entries.len() > 3 { ", ...}" } else { "}" });
            }
            Node::Regex(pattern) => self.text(&show_constant(&Value::text(&pattern.source))),
            Node::Tuple(items) => self.around("(", items, if items.len() == 1 { ",)" } else { ")" }),
            Node::List(items) => self.around("[", items, "]"),
            Node::If { cond, then, other } => self.parts(&["(", " if ", " else ", ")"], &[*then, *cond, *other]),
            Node::And(a, b) => self.parts(&["(", " and ", ")"], &[*a, *b]),
            Node::Or(a, b) => self.parts(&["(", " or ", ")"], &[*a, *b]),
            Node::Not(a) => self.parts(&["(not ", ")"], &[*a]),
            Node::Seq(first, value) => {
                self.around("(", first, "; ");
                self.node(*value);
                self.text(")");
            }
            Node::Op(op, operands) => self.operation(op, operands),
            Node::Attr(value, name) => {
                self.node(*value);
                self.text(&format!(".{name}"));
            }
            Node::FString(parts) => self.around("text(", parts, ")"),
            Node::Format(Part { value, conversion, spec }) => {
                self.text("{");
                self.node(*value);
                conversion.iter().for_each(|conversion| self.text(&format!("!{conversion}")));
                self.text(&if spec.is_empty() { String::from("}") } else { format!(":{spec}}}") });
            }
            Node::Each { body, over } => self.parts(&["[", " for item in ", "]"], &[*body, *over]),
            Node::Keep { cond, over } => self.parts(&["[item for item in ", " if ", "]"], &[*over, *cond]),
        }
    }

    fn operation(&mut self, op: &Op, operands: &[NodeId]) {
        match (op, operands) {
            (Op::Basic(Basic::GetItem), [of, at]) => self.parts(&["", "[", "]"], &[*of, *at]),
            (Op::Basic(Basic::Slice), [of, start, stop, step]) => {
                self.parts(&["", "[", ":", ":", "]"], &[*of, *start, *stop, *step]);
            }
            (Op::Basic(basic), [a, b]) if symbol(*basic).is_some() => {
                self.parts(&["(", &format!(" {} ", symbol(*basic).unwrap_or_default()), ")"], &[*a, *b]);
            }
            (Op::Basic(Basic::Neg), [a]) => self.parts(&["-", ""], &[*a]),
            (Op::Method { method, .. }, [of, rest @ ..]) => {
                self.node(*of);
                self.around(&format!(".{}(", method.name()), rest, ")");
            }
            _ => self.around(&format!("{}(", op.name()), operands, ")"),
        }
    }

    fn text(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn around(&mut self, before: &str, nodes: &[NodeId], after: &str) {
        self.text(before);
        for (number, node) in nodes.iter().enumerate() {
            if self.out.len() > MAX_TEXT {
                self.text("...");
                break;
            }
            self.text(if number > 0 { ", " } else { "" });
            self.node(*node);
        }
        self.text(after);
    }

    /// Text before, between and after nodes.
    fn parts(&mut self, texts: &[&str], nodes: &[NodeId]) {
        for (position, text) in texts.iter().enumerate() {
            self.text(text);
            nodes.get(position).iter().for_each(|node| self.node(**node));
        }
    }
}

fn symbol(op: Basic) -> Option<&'static str> {
    Some(match op {
        Basic::Add => "+",
        Basic::Sub => "-",
        Basic::Mul => "*",
        Basic::TrueDiv => "/",
        Basic::FloorDiv => "//",
        Basic::Mod => "%",
        Basic::Pow => "**",
        Basic::LShift => "<<",
        Basic::RShift => ">>",
        Basic::BitAnd => "&",
        Basic::BitOr => "|",
        Basic::BitXor => "^",
        Basic::Eq => "==",
        Basic::Ne => "!=",
        Basic::Lt => "<",
        Basic::Le => "<=",
        Basic::Gt => ">",
        Basic::Ge => ">=",
        Basic::Is => "is",
        Basic::IsNot => "is not",
        Basic::In => "in",
        Basic::NotIn => "not in",
        _ => return None,
    })
}
