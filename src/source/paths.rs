//! Which local path does a user's text mean, and how does Hadoop write it?
//!
//! Owns schemes (`file:` or none), the current folder, and the list syntax with commas. Patterns stay patterns.
//! Elsewhere: what a pattern matches (`glob.rs`).

use std::env;
use std::io;
use std::path::{Path, PathBuf};

use super::glob;
use crate::error::{EngineError, Result};

/// The entries of a list with commas; commas inside braces do not separate.
pub(super) fn split_list(list: &str) -> Vec<&str> {
    let (mut depth, mut from) = (0_usize, 0);
    let mut entries = Vec::new();
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                entries.push(&list[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    entries.push(&list[from..]);
    entries
}

/// The absolute local path (or pattern) that a text means, without `.`, `..` and doubled slashes.
pub(super) fn local(text: &str) -> Result<String> {
    let path = without_scheme(text)?;
    if path.is_empty() {
        return Err(EngineError::illegal_argument("Can not create a Path from an empty string"));
    }
    if path.starts_with('/') {
        return Ok(normal(path));
    }
    let folder = env::current_dir().map_err(EngineError::external("current folder"))?;
    // The current folder is meant literally, whatever its name.
    Ok(normal(&format!("{}/{path}", glob::escape(&folder.to_string_lossy()))))
}

/// The existing local paths that a pattern names, sorted.
pub fn matching(pattern: &str) -> Result<Vec<PathBuf>> {
    glob::expand(&local(pattern)?).map_err(invalid)
}

/// A local path as Hadoop writes it.
pub(super) fn display(path: &Path) -> String {
    format!("file:{}", path.display())
}

/// What the system says is wrong, without its number: "Connection refused".
pub(super) fn reason(cause: &io::Error) -> String {
    let text = cause.to_string();
    text.split_once(" (os error").map_or(text.as_str(), |(reason, _)| reason).to_owned()
}

/// An error about the text that the user gave as path.
pub(super) fn invalid(problem: impl Into<String>) -> EngineError {
    EngineError::Refused { class: "org.apache.hadoop.mapred.InvalidInputException", problem: problem.into() }
}

/// What follows `file:` or `file://`; other schemes and hosts are not ours.
fn without_scheme(text: &str) -> Result<&str> {
    let (scheme, rest) = match text.split_once(':') {
        Some((scheme, rest)) if !scheme.contains('/') => (scheme, rest),
        _ => return Ok(text),
    };
    if scheme != "file" {
        return Err(EngineError::Refused {
            class: "org.apache.hadoop.fs.UnsupportedFileSystemException",
            problem: format!("No FileSystem for scheme \"{scheme}\": only local files can be read ({text})"),
        });
    }
    match rest.strip_prefix("//") {
        Some(path) if !path.starts_with('/') => {
            Err(EngineError::illegal_argument(format!("Wrong FS: {text}, expected: file:///")))
        }
        Some(path) => Ok(path),
        None => Ok(rest),
    }
}

fn normal(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_separate_outside_of_braces() {
        assert_eq!(split_list("a,{b,c}/{d,{e,f}},g"), ["a", "{b,c}/{d,{e,f}}", "g"]);
    }

    #[test]
    fn local_paths_become_absolute_and_short() {
        for text in ["/a/b", "file:/a/b", "file:///a/b", "/a//x/../b/./"] {
            assert_eq!(local(text).unwrap(), "/a/b", "{text}");
        }
        let folder = glob::escape(&env::current_dir().unwrap().to_string_lossy());
        assert_eq!(local("x/*.txt").unwrap(), format!("{folder}/x/*.txt"));
        assert_eq!(local("./x:y").unwrap(), format!("{folder}/x:y"));
    }

    #[test]
    fn other_file_systems_are_refused() {
        let text = |path| local(path).unwrap_err().to_string();
        assert!(text("hdfs://host/x").starts_with("No FileSystem for scheme \"hdfs\""));
        assert!(text("s3a:x").starts_with("No FileSystem for scheme \"s3a\""));
        assert_eq!(text("file://a/b"), "Wrong FS: file://a/b, expected: file:///");
        assert_eq!(text(""), "Can not create a Path from an empty string");
    }
}
