//! Which operations can a chain of narrow steps hold?
//!
//! A step is named by Python as `(name, number)`; functions come in a separate list, in the order of the steps.

/// One operation of a chain. The comment says which functions it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// f(element)
    Map,
    /// f(element), kept when true
    Filter,
    /// f(element), an iterable whose elements follow one another
    FlatMap,
    /// f(value) of (key, value)
    MapValues,
    /// f(value), an iterable of new values for the key
    FlatMapValues,
    /// element\[0\]
    Keys,
    /// element\[1\]
    Values,
    /// The first n elements of the partition; what follows is not computed.
    Take(usize),
    /// f(iterator) -> iterable
    Partitions,
    /// f(index, iterator) -> iterable
    IndexedPartitions,
    /// All elements as one list.
    Glom,
    /// The number of elements.
    Count,
    /// create(value), merge(combined, value): one pair per key. `alike`: `merge` is also what puts parts together later.
    Combine { alike: bool },
    /// merge(combined, combined): one pair per key.
    MergeCombiners,
    /// (key, \[values\])
    Group,
    /// (key, ResultIterable of all values)
    MergeGroups,
    /// At the end of a chain: its elements leave it in batches of so many, or, with 0, of as many as are worth it.
    Packed(usize),
}

impl Step {
    /// Number of functions the step takes from the list.
    pub fn functions(self) -> usize {
        match self {
            Self::Map
            | Self::Filter
            | Self::FlatMap
            | Self::MapValues
            | Self::FlatMapValues
            | Self::Partitions
            | Self::IndexedPartitions
            | Self::MergeCombiners => 1,
            Self::Combine { .. } => 2,
            Self::Keys
            | Self::Values
            | Self::Take(_)
            | Self::Glom
            | Self::Count
            | Self::Group
            | Self::MergeGroups
            | Self::Packed(_) => 0,
        }
    }

    /// The step of a name and a number, if there is such a one.
    pub fn from_name(name: &str, number: usize) -> Option<Self> {
        Some(match name {
            "map" => Self::Map,
            "filter" => Self::Filter,
            "flatMap" => Self::FlatMap,
            "mapValues" => Self::MapValues,
            "flatMapValues" => Self::FlatMapValues,
            "keys" => Self::Keys,
            "values" => Self::Values,
            "take" => Self::Take(number),
            "partitions" => Self::Partitions,
            "indexedPartitions" => Self::IndexedPartitions,
            "glom" => Self::Glom,
            "count" => Self::Count,
            "combine" => Self::Combine { alike: number != 0 },
            "mergeCombiners" => Self::MergeCombiners,
            "group" => Self::Group,
            "mergeGroups" => Self::MergeGroups,
            "packed" => Self::Packed(number),
            _ => return None,
        })
    }

    /// Its name and number, from which `from_name` makes it again.
    pub fn name(self) -> (&'static str, usize) {
        match self {
            Self::Map => ("map", 0),
            Self::Filter => ("filter", 0),
            Self::FlatMap => ("flatMap", 0),
            Self::MapValues => ("mapValues", 0),
            Self::FlatMapValues => ("flatMapValues", 0),
            Self::Keys => ("keys", 0),
            Self::Values => ("values", 0),
            Self::Take(number) => ("take", number),
            Self::Partitions => ("partitions", 0),
            Self::IndexedPartitions => ("indexedPartitions", 0),
            Self::Glom => ("glom", 0),
            Self::Count => ("count", 0),
            Self::Combine { alike } => ("combine", alike.into()),
            Self::MergeCombiners => ("mergeCombiners", 0),
            Self::Group => ("group", 0),
            Self::MergeGroups => ("mergeGroups", 0),
            Self::Packed(number) => ("packed", number),
        }
    }
}
