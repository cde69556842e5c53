//! The names that nodes of an expression may carry.

use serde::{Deserialize, Serialize};

/// An enum of names, each with its spelling.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "each is named after the Python operation that it stands for")]
        pub enum $name { $($variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The operation spelled `name`, if there is one.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)* _ => None }
            }

            /// How it is spelled.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

names! {
    /// Operators and builtin functions.
    Basic {
        Add = "add", Sub = "sub", Mul = "mul", TrueDiv = "truediv", FloorDiv = "floordiv", Mod = "mod", Pow = "pow",
        LShift = "lshift", RShift = "rshift", BitAnd = "bitand", BitOr = "bitor", BitXor = "bitxor",
        Eq = "eq", Ne = "ne", Lt = "lt", Le = "le", Gt = "gt", Ge = "ge", Is = "is", IsNot = "isnot", In = "in",
        NotIn = "notin", Neg = "neg", Pos = "pos", Invert = "invert", GetItem = "getitem", Slice = "slice", Len = "len",
        Int = "int", Float = "float", Str = "str", Bool = "bool", Abs = "abs", Round = "round", Min = "min", Max = "max",
        Sum = "sum", CompensatedSum = "compensated_sum", Sorted = "sorted", Reversed = "reversed", Any = "any",
        All = "all", DivMod = "divmod", Ord = "ord", Chr = "chr", Repr = "repr", Tuple = "tuple", List = "list",
        Format = "format", Unpack = "unpack", IAdd = "iadd", IMul = "imul",
        SortedBy = "sorted_by", MaxBy = "max_by", MinBy = "min_by", Range = "range", Sqrt = "sqrt", Floor = "floor",
        ReMatch = "re_match", ReSearch = "re_search", ReFullMatch = "re_fullmatch", ReFindAll = "re_findall",
        ReSplit = "re_split", ReSub = "re_sub",
        Ceil = "ceil", Log = "log", Log2 = "log2", Log10 = "log10", Exp = "exp", Zip = "zip", Distinct = "distinct",
        CanInt = "can_int", CanFloat = "can_float", CanUnpack = "can_unpack", CanGetItem = "can_getitem",
        CanDivide = "can_divide",
    }
}

names! {
    /// Methods; which class they are of is decided by the value.
    Method {
        Lower = "lower", Upper = "upper", Title = "title", Capitalize = "capitalize", SwapCase = "swapcase",
        CaseFold = "casefold", Strip = "strip", LStrip = "lstrip", RStrip = "rstrip", Split = "split", RSplit = "rsplit",
        SplitLines = "splitlines", Partition = "partition", RPartition = "rpartition", StartsWith = "startswith",
        EndsWith = "endswith", RemovePrefix = "removeprefix", RemoveSuffix = "removesuffix", Replace = "replace",
        Find = "find", RFind = "rfind", Index = "index", RIndex = "rindex", Count = "count", Join = "join",
        ZFill = "zfill", LJust = "ljust", RJust = "rjust", Center = "center", IsDigit = "isdigit",
        IsDecimal = "isdecimal", IsNumeric = "isnumeric", IsAlpha = "isalpha", IsAlnum = "isalnum",
        IsSpace = "isspace", IsUpper = "isupper", IsLower = "islower", IsAscii = "isascii", IsTitle = "istitle",
        Format = "format", Get = "get", IsInteger = "is_integer", BitLength = "bit_length",
    }
}

/// What an operation node does to its operands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Op {
    /// An operator or a builtin function.
    Basic(Basic),
    /// A method of its first operand; `of_text`: written as `str.method`, so that operand must be text.
    Method {
        /// Which one.
        method: Method,
        /// Whether any first operand but text raises.
        of_text: bool,
    },
    /// A name without a native form: bails wherever it is evaluated.
    Unknown(String),
}

impl Op {
    /// The operation that a tree names so.
    pub fn from_name(name: &str) -> Self {
        let known = match name.split_once('.') {
            None => Basic::from_name(name).map(Self::Basic),
            Some(("str", method)) => Method::from_name(method).map(|method| Self::Method { method, of_text: true }),
            Some(("method", method)) => Method::from_name(method).map(|method| Self::Method { method, of_text: false }),
            Some(_) => None,
        };
        known.unwrap_or_else(|| Self::Unknown(name.to_owned()))
    }

    /// Its name without the class of a method.
    pub fn name(&self) -> &str {
        match self {
            Self::Basic(basic) => basic.name(),
            Self::Method { method, .. } => method.name(),
            Self::Unknown(name) => name,
        }
    }
}
