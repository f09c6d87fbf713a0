//! Borders written down (`design.md` §3): who may import whom, and which words stay where. Reads the
//! source as text, so it holds for every file, also for one that is new.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// A folder of `src`, and what of ours its files may import.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("alibaba", &["domain", "clock", "explanation", "form", "ids", "throttle", "words"]),
    ("tencent", &["domain", "clock", "explanation", "form", "ids", "throttle", "words"]),
    ("store", &["domain"]),
    // It is handed the renderers as functions: never a dialect, a door or a sender.
    ("engine", &["domain", "store", "clock", "ids", "fatal", "metrics"]),
    ("door", &["domain", "clock"]),
    // The operator's answers about applications are spelled as the dialect spells them.
    ("control", &["alibaba", "tencent", "domain", "engine", "store", "door", "clock", "form", "ids", "metrics"]),
    ("socket", &["engine", "domain", "alibaba", "tencent", "clock", "door", "fatal", "words"]),
    ("delivery", &["domain", "clock"]),
    // Verifies callbacks as the business would; reads them as the door reads; names the header of the sending side.
    ("receiver.rs", &["alibaba", "tencent", "domain", "clock", "delivery::DELIVERY_HEADER", "door", "explanation"]),
    ("clock.rs", &["domain", "fatal"]),
    ("explanation.rs", &["domain"]),
    // Stands in for the server in the dialects' tests.
    ("fake.rs", &["domain", "ids"]),
    ("fatal.rs", &[]),
    ("form.rs", &[]),
    ("ids.rs", &["domain"]),
    ("metrics.rs", &["domain"]),
    ("settings.rs", &["domain"]),
    ("notify.rs", &[]),
    ("readme.rs", &[]),
    ("throttle.rs", &["domain"]),
    ("words.rs", &["clock", "domain"]),
];

/// Words, where they may stand, and why.
const WORDS: &[(&[&str], &[&str])] = &[
    // Time is read and waited for in the clock alone (its own settling waits in real time).
    (&["Instant::now", "SystemTime::now", "Timer::after", "Timer::at", "Timer::interval", "clock_gettime", "thread::sleep"], &["clock.rs"]),
    // The cloud's spellings.
    (&["Ali-Live-", "Ali-Rtc-", "\"eves\"", "x-acs-"], &["alibaba"]),
    (&["\"TLS.", "SdkAppid", "CallbackCommand", "_Account", "RequestTime", "ActionStatus", "live_engine_http_srv"], &["tencent"]),
    (&["SELECT ", "INSERT INTO", "DELETE FROM", "UPDATE ", "PRAGMA ", "rusqlite"], &["store"]),
    (&["unsafe {", "unsafe fn"], &[]),
];

/// A word at a place of its own, with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    // Reads the callbacks that it receives, to print them.
    ("cli/listen.rs", "\"eves\""),
];

#[test]
fn imports_point_down_only() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let place = path.split('/').next().unwrap();
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == place) else {
            continue;
        };
        for import in imports(&text) {
            let own = import == place.trim_end_matches(".rs") || import.starts_with(&format!("{place}::"));
            let inside = |allowed: &str| import == *allowed || import.starts_with(&format!("{allowed}::"));
            if !own && !allowed.iter().any(|a| inside(a)) {
                wrong.push(format!("{path} imports {import}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_folder_has_its_rule() {
    // These put the others together.
    let all: BTreeSet<&str> = MAY_IMPORT.iter().map(|(name, _)| *name).chain(["cli", "server", "server.rs", "lib.rs", "main.rs"]).collect();
    let found: BTreeSet<String> = sources().iter().map(|(path, _)| path.split('/').next().unwrap().to_owned()).collect();
    let new: Vec<_> = found.iter().filter(|name| !all.contains(name.as_str())).collect();
    assert!(new.is_empty(), "{new:?} have no rule: write down what they may import");
}

#[test]
fn words_stay_where_they_belong() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        for (words, places) in WORDS {
            let at_home = places.iter().any(|place| path == *place || path.starts_with(&format!("{place}/")));
            for word in words.iter().filter(|word| !at_home && text.contains(**word)) {
                if !EXCEPTIONS.contains(&(&*path, word)) {
                    wrong.push(format!("{path} says {word:?}, which belongs to {places:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn imports_are_read_rightly() {
    let text = "use crate::{clock::{Alarm, Clock}, domain, engine::Handle as H};\nuse crate::ids::Ids;\nlet x = crate::store::Reader::open();";
    let found: Vec<_> = imports(text).into_iter().collect();
    assert_eq!(found, ["clock::Alarm", "clock::Clock", "domain", "engine::Handle", "ids::Ids", "store::Reader::open"]);
}

/// Paths below `src` with their text, without comments and without tests.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    find(&root, &mut files);
    assert!(files.len() > 50, "the source is in {}", root.display());
    let mut sources = Vec::new();
    for file in files {
        let path = file.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        let is_test = path.ends_with("_tests.rs") || path.ends_with("/tests.rs") || path.contains("/tests/") || path == "fake.rs";
        if is_test {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let text = text.split("\n#[cfg(test)]\nmod ").next().unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        sources.push((path, lines.join("\n")));
    }
    sources
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

/// Every path after `crate::`, groups in braces taken apart.
fn imports(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        // `$crate::` and `pub(crate)` are not meant; the latter has no colons.
        tree(&text[at + "crate::".len()..], "", &mut found);
    }
    found
}

/// Reads one path or group; returns how many bytes it took.
fn tree(text: &str, prefix: &str, found: &mut BTreeSet<String>) -> usize {
    let mut at = 0;
    let mut path = prefix.to_owned();
    loop {
        let rest = &text[at..];
        if rest.starts_with('{') {
            at += 1;
            loop {
                at += text[at..].len() - text[at..].trim_start_matches([' ', '\n', ',']).len();
                if text[at..].starts_with('}') || at >= text.len() {
                    return at + 1;
                }
                at += tree(&text[at..], &path, found);
                if let Some(rest) = text[at..].strip_prefix(" as ") {
                    at += 4 + rest.find([',', '}', ';']).unwrap_or(0);
                }
            }
        }
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '*').unwrap_or(rest.len());
        let name = &rest[..end];
        at += end;
        if name != "self" {
            if !path.is_empty() && !path.ends_with("::") {
                path += "::";
            }
            path += name;
        }
        if text[at..].starts_with("::") {
            at += 2;
            path += "::";
        } else {
            found.insert(path.trim_end_matches("::").to_owned());
            return at;
        }
    }
}
