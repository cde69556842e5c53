//! Which existing paths does a Hadoop glob name?
//!
//! Owns pattern syntax and the walk through folders. `*` and `?` stop at a slash and match a leading dot; `[abc]`,
//! `[a-c]`, `[^a]` (also `[!a]`) match one character; `{a,b}` is an alternative, slashes and nesting allowed; a
//! backslash takes the next character literally.
//! Elsewhere: schemes and the current folder (`paths.rs`), hidden names (each caller has its own rule).

use std::iter::Peekable;
use std::path::PathBuf;
use std::str::Chars;

use super::fs;

/// What one step of a pattern matches.
#[derive(Debug, PartialEq)]
enum Token {
    /// Any text, also none.
    Any,
    /// One character, whichever.
    One,
    /// This character.
    Exactly(char),
    /// One character inside (or, negated, outside) of these ranges.
    Within { negated: bool, ranges: Vec<(char, char)> },
}

impl Token {
    fn matches(&self, c: char) -> bool {
        match self {
            Self::Any | Self::One => true,
            Self::Exactly(own) => *own == c,
            Self::Within { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

/// Whether the text holds a sign that makes it a pattern.
pub(super) fn is_glob(text: &str) -> bool {
    let mut escaped = false;
    text.chars().any(|c| {
        let special = !escaped && matches!(c, '*' | '?' | '[' | '{');
        escaped = !escaped && c == '\\';
        special
    })
}

/// Takes the backslashes out of a text that is no pattern.
pub(super) fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        plain.push(if c == '\\' { rest.next().unwrap_or(c) } else { c });
    }
    plain
}

/// Makes a plain text one that a pattern takes literally.
pub(super) fn escape(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// The existing paths that an absolute pattern names, sorted, each once. `Err` says what is wrong with the pattern.
pub(super) fn expand(pattern: &str) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for alternative in alternatives(pattern)? {
        walk(&alternative, &mut found).map_err(|problem| format!("Illegal file pattern: {problem} in {pattern}"))?;
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// Follows one pattern without alternatives from the root, folder by folder.
fn walk(pattern: &str, found: &mut Vec<PathBuf>) -> Result<(), String> {
    let mut here = vec![PathBuf::from("/")];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        if !is_glob(part) {
            let name = unescape(part);
            here.iter_mut().for_each(|path| path.push(&name));
            continue;
        }
        let tokens = tokens(part)?;
        // A folder that is not there, or not ours to read, has no matches.
        let folders = here.iter().filter_map(|folder| fs::of(folder).names(folder).ok());
        let fits = |path: &PathBuf| path.file_name().is_some_and(|name| matches(&tokens, &name.to_string_lossy()));
        here = folders.flatten().filter(fits).collect();
    }
    found.extend(here.into_iter().filter(|path| fs::of(path).look(path).is_ok()));
    Ok(())
}

/// The patterns that result from taking each `{a,b}` apart.
fn alternatives(pattern: &str) -> Result<Vec<String>, String> {
    let Some(open) = find(pattern, 0, |c, _| c == '{') else {
        return Ok(vec![pattern.to_owned()]);
    };
    let inside = open + 1;
    let close = find(pattern, inside, |c, depth| c == '}' && depth == 0)
        .ok_or_else(|| format!("Illegal file pattern: Unclosed group in {pattern}"))?;
    let mut result = Vec::new();
    let mut from = inside;
    while from <= close {
        let to = find(pattern, from, |c, depth| depth == 0 && matches!(c, ',' | '}')).unwrap_or(close);
        let one = format!("{}{}{}", &pattern[..open], &pattern[from..to], &pattern[close + 1..]);
        result.extend(alternatives(&one)?);
        from = to + 1;
    }
    Ok(result)
}

/// Place of the first character, from `from` on, that `wanted` accepts; it is told how many braces are open. Escaped
/// characters are not offered.
fn find(pattern: &str, from: usize, wanted: impl Fn(char, usize) -> bool) -> Option<usize> {
    let (mut escaped, mut depth) = (false, 0_usize);
    for (at, c) in pattern.char_indices().skip_while(|(at, _)| *at < from) {
        if escaped {
            escaped = false;
            continue;
        }
        if wanted(c, depth) {
            return Some(at);
        }
        match c {
            '\\' => escaped = true,
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

fn tokens(part: &str) -> Result<Vec<Token>, String> {
    let mut result = Vec::new();
    let mut rest = part.chars().peekable();
    while let Some(c) = rest.next() {
        result.push(match c {
            '*' => Token::Any,
            '?' => Token::One,
            '[' => class(&mut rest)?,
            '\\' => Token::Exactly(rest.next().unwrap_or(c)),
            _ => Token::Exactly(c),
        });
    }
    Ok(result)
}

/// The rest of a `[...]`.
fn class(rest: &mut Peekable<Chars<'_>>) -> Result<Token, String> {
    let unclosed = || "Unclosed character class".to_owned();
    let negated = rest.next_if(|c| matches!(c, '^' | '!')).is_some();
    let mut ranges = Vec::new();
    loop {
        let low = match rest.next().ok_or_else(unclosed)? {
            ']' => return Ok(Token::Within { negated, ranges }),
            '\\' => rest.next().ok_or_else(unclosed)?,
            c => c,
        };
        let mut high = low;
        if rest.next_if_eq(&'-').is_some() {
            match rest.peek() {
                // A hyphen in front of the bracket stands for itself.
                Some(']') | None => ranges.push(('-', '-')),
                Some(c) => {
                    high = *c;
                    rest.next();
                }
            }
        }
        ranges.push((low, high));
    }
}

/// Whether the whole name matches. A failed try goes back to the last `*` and lets it take one character more.
fn matches(tokens: &[Token], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let (mut token, mut at) = (0, 0);
    let mut last_any = None;
    while at < name.len() {
        match tokens.get(token) {
            Some(Token::Any) => {
                last_any = Some((token, at));
                token += 1;
            }
            Some(one) if one.matches(name[at]) => {
                token += 1;
                at += 1;
            }
            _ => {
                let Some((any, taken)) = last_any else { return false };
                last_any = Some((any, taken + 1));
                token = any + 1;
                at = taken + 1;
            }
        }
    }
    tokens[token..].iter().all(|rest| *rest == Token::Any)
}

#[cfg(test)]
mod tests {
    use super::super::testing::TempFolder;
    use super::*;

    fn fits(pattern: &str, name: &str) -> bool {
        matches(&tokens(pattern).unwrap(), name)
    }

    #[test]
    fn each_sign_matches_what_hadoop_says() {
        assert!(fits("*", "") && fits("*", ".x") && fits("a*b*c", "a-b-b-c") && !fits("a*b", "abc"));
        assert!(fits("?.txt", "ä.txt") && !fits("?", ""));
        assert!(fits("[abc]", "b") && fits("[a-c]1", "c1") && !fits("[a-c]", "d") && fits("[a-]", "-"));
        assert!(fits("[^a]", "b") && !fits("[^a]", "a") && fits("[!a]", "b"));
        assert!(fits("\\*", "*") && !fits("\\*", "x") && fits("[\\]]", "]"));
    }

    #[test]
    fn braces_are_taken_apart() {
        assert_eq!(alternatives("/{a,b{1,2}}/x{,y}").unwrap(), ["/a/x", "/a/xy", "/b1/x", "/b1/xy", "/b2/x", "/b2/xy"]);
        assert_eq!(alternatives("\\{a,b\\}").unwrap(), ["\\{a,b\\}"]);
        assert_eq!(alternatives("{a\\,b,c}").unwrap(), ["a\\,b", "c"]);
    }

    #[test]
    fn a_broken_pattern_says_what_is_wrong() {
        assert_eq!(expand("/tmp/[ab").unwrap_err(), "Illegal file pattern: Unclosed character class in /tmp/[ab");
        assert_eq!(expand("/tmp/{a,b").unwrap_err(), "Illegal file pattern: Unclosed group in /tmp/{a,b");
    }

    #[test]
    fn the_walk_finds_existing_paths_in_order() {
        let folder = TempFolder::new();
        for name in ["b/2.txt", "a/1.txt", "a/3.log", "c/1.txt"] {
            folder.file(name, "");
        }
        let root = escape(&folder.path().to_string_lossy());
        let found = |pattern: &str| {
            let paths = expand(&format!("{root}/{pattern}")).unwrap();
            paths
                .iter()
                .map(|path| path.strip_prefix(folder.path()).unwrap().to_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(found("*/*.txt"), ["a/1.txt", "b/2.txt", "c/1.txt"]);
        assert_eq!(found("{b/2,a/1,a/9}.txt"), ["a/1.txt", "b/2.txt"]);
        assert_eq!(found("?"), ["a", "b", "c"]);
        assert!(found("nothing/*").is_empty());
    }

    #[test]
    fn escaping_and_unescaping_are_inverse() {
        let name = "a[1]{x}*?\\z";
        assert!(is_glob(name) && !is_glob(&escape(name)));
        assert_eq!(unescape(&escape(name)), name);
    }
}
