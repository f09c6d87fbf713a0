//! The built-in moderation's list of words: a file in the data folder, read again when it has changed.
//! Texts and entries are folded by the same function, so that case, width and invisible characters hide
//! nothing. Must not know what becomes of a text in which a word was found.

use crate::{
    clock::{Clock, Work},
    domain::{
        app::{App, Audit},
        message::Draft,
    },
};
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use caseless::Caseless;
use std::{
    fs,
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};
use unicode_normalization::UnicodeNormalization;

/// The list's name inside the data folder.
pub const FILE: &str = "words.txt";

/// A list in which every entry is commented out.
pub const EXAMPLE: &str = include_str!("../words.txt");

/// A larger file is not a list of words.
const LARGEST: u64 = 1024 * 1024;

/// A file of so many bytes is read by whoever finds that it has changed.
const SHORT: i64 = 32 * 1024;

/// How many times its length a text may have when it is folded.
const MOST_SWELL: usize = 4;

/// The file is looked at so often, in ms, while texts come.
const LOOK: u64 = 1000;

/// The words in force. Shared by all who look for them; nobody waits for a new list to be built.
pub struct Words(Arc<Shared>);

struct Shared {
    path: PathBuf,
    clock: Clock,
    /// `None`: no words. A clone is one pointer.
    list: RwLock<Option<AhoCorasick>>,
    /// The tick at which the file was last looked at.
    looked: AtomicU64,
    seen: Mutex<Seen>,
}

struct Seen {
    /// The file as it was just before it was last read. A change in between is seen at the next look.
    stamp: Stamp,
    reloading: bool,
}

/// What changes with a file: inode, size, and the times of its content and of its attributes, because
/// a file that could not be read becomes readable by `chmod`. Or why it cannot be told.
type Stamp = Result<[i64; 6], io::ErrorKind>;

/// Puts the example into the data folder, unless there is a list.
pub fn write_example(data: &Path) -> io::Result<()> {
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(data.join(FILE)) {
        // A power cut leaves the file without its end, and that is a comment too.
        Ok(mut file) => file.write_all(EXAMPLE.as_bytes()),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(e),
    }
}

impl Words {
    /// Reads the list now; later changes of the file are found by those who ask.
    pub fn open(path: PathBuf, clock: Clock) -> Words {
        let seen = Seen { stamp: stamp(&path), reloading: false };
        let looked = clock.tick().0.into();
        let there = seen.stamp != Err(io::ErrorKind::NotFound);
        let shared = Shared { path, clock, list: RwLock::default(), looked, seen: Mutex::new(seen) };
        if there {
            shared.load();
        }
        Words(Arc::new(shared))
    }

    /// No list, and no file that could become one.
    #[cfg(test)]
    pub fn none(clock: &Clock) -> Words {
        Words::open("/nonexistent/words.txt".into(), clock.clone())
    }

    /// Flags a message in which a word is found, where its application is moderated by the list.
    pub fn look_up(&self, app: &App, draft: &mut Draft) {
        draft.flagged = app.audit == Audit::BuiltIn && self.finds(&draft.body);
    }

    /// Does the text contain a word of the list?
    pub fn finds(&self, text: &str) -> bool {
        self.look();
        // Cloned, so that a new list never waits for a search in the old one.
        let list = self.0.list.read().expect("no panic while held").clone();
        list.is_some_and(|list| has_word(&list, text) || unescaped(text).is_some_and(|text| has_word(&list, &text)))
    }

    /// At most once a second: has the file changed? Then it is read again: a short one at once, so that this very
    /// text is judged by it; a long one on a thread of its own, because building its list takes a while.
    fn look(&self) {
        let (now, looked) = (self.0.clock.tick().0, self.0.looked.load(Ordering::Relaxed));
        // Who fails to put the new time there was preceded by somebody who looks now.
        if now.saturating_sub(looked) < LOOK || self.0.looked.compare_exchange(looked, now, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return;
        }
        let Some(reload) = self.changed() else {
            return;
        };
        if reload.is_short() {
            return reload.run();
        }
        if let Err(e) = std::thread::Builder::new().name("words".into()).stack_size(256 * 1024).spawn(move || reload.run()) {
            tracing::warn!(error = %e, "no thread to read the list of words; it is tried again");
        }
    }

    fn changed(&self) -> Option<Reload> {
        let stamp = stamp(&self.0.path);
        let mut seen = self.0.seen.lock().expect("no panic while held");
        if seen.reloading || seen.stamp == stamp {
            return None;
        }
        seen.reloading = true;
        Some(Reload { shared: self.0.clone(), stamp, _work: self.0.clock.work() })
    }
}

/// The right to read the file again, which one at a time has. A virtual clock waits for it.
struct Reload {
    shared: Arc<Shared>,
    stamp: Stamp,
    _work: Work,
}

impl Reload {
    /// Built within a few milliseconds; also what is no file any more.
    fn is_short(&self) -> bool {
        self.stamp.as_ref().map_or(true, |stamp| stamp[1] <= SHORT)
    }

    fn run(self) {
        self.shared.seen.lock().expect("no panic while held").stamp = self.stamp;
        self.shared.load();
    }
}

impl Drop for Reload {
    fn drop(&mut self) {
        self.shared.seen.lock().expect("no panic while held").reloading = false;
    }
}

impl Shared {
    /// Puts the file's words in force. What cannot be read changes nothing, and is told once.
    fn load(&self) {
        let (list, words) = match read(&self.path).and_then(|text| build(&text)) {
            Ok(built) => built,
            Err(why) => {
                let none = self.list.read().expect("no panic while held").is_none();
                let until = if none { "no words are in force: AuditType 1 refuses nothing" } else { "the words that were read before stay in force" };
                tracing::warn!(file = %self.path.display(), "{why}; until then {until}");
                return;
            }
        };
        *self.list.write().expect("no panic while held") = list;
        tracing::info!(file = %self.path.display(), words, "the list of words was read");
    }
}

fn stamp(path: &Path) -> Stamp {
    let meta = fs::metadata(path).map_err(|e| e.kind())?;
    Ok([meta.ino() as i64, meta.size() as i64, meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()])
}

/// The text of the list; a file that is not there is an empty one.
fn read(path: &Path) -> Result<String, String> {
    let unreadable = |e: io::Error| format!("the list of words cannot be read ({e}); let the user that roomd runs as read it");
    // Opening a pipe would wait for its writer.
    let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let file = match fs::OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(e) => return Err(unreadable(e)),
    };
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err("the list of words is not a file; put a text file there".into());
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("the list of words has more than {LARGEST} bytes; make it shorter"));
    }
    String::from_utf8(bytes).map_err(|e| {
        let line = 1 + e.as_bytes()[..e.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count();
        format!("the list of words is not UTF-8 in line {line}; save it as UTF-8")
    })
}

/// The automaton of a list, and the number of its words.
fn build(text: &str) -> Result<(Option<AhoCorasick>, usize), String> {
    // The byte order mark that some editors put first is one of the invisible characters.
    let lines = text.lines().map(|line| line.trim_matches(|c: char| c.is_whitespace() || is_ignorable(c)));
    // An empty word would be found in every text.
    let words: Vec<String> = lines.filter(|line| !line.starts_with('#')).map(|line| fold(line, usize::MAX)).filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return Ok((None, 0));
    }
    // The kind that takes the least memory; it reads each byte of a text once, whatever the list.
    let built = AhoCorasick::builder().kind(Some(AhoCorasickKind::ContiguousNFA)).build(&words);
    built.map(|list| (Some(list), words.len())).map_err(|e| format!("the list of words is too large ({e}); make it shorter"))
}

/// A text that swells as nothing does that people write is one that tries to keep us busy: it counts as a find.
fn has_word(list: &AhoCorasick, text: &str) -> bool {
    let most = MOST_SWELL * text.len() + 1024;
    let folded = fold(text, most);
    folded.len() > most || list.is_match(&folded)
}

/// The text without JSON's escapes, where it has some: much of what is sent is JSON inside a text.
fn unescaped(text: &str) -> Option<String> {
    let mut pieces = text.split('\\');
    let mut out = pieces.next()?.to_owned();
    let mut any = false;
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        any = true;
        let code = piece.strip_prefix('u').and_then(|rest| rest.get(..4)).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        match (code, piece.chars().next()) {
            (Some(high @ 0xD800..0xDC00), _) => {
                // The other half of the pair is the next escape.
                let low = pieces.peek().and_then(|next| next.strip_prefix('u')?.get(..4)).and_then(|hex| u32::from_str_radix(hex, 16).ok());
                if let Some(low @ 0xDC00..0xE000) = low {
                    out.extend(char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)));
                    out += &pieces.next().expect("just seen")[5..];
                } else {
                    out += &piece[5..];
                }
            }
            (Some(code), _) => {
                out.extend(char::from_u32(code));
                out += &piece[5..];
            }
            (None, Some(c @ ('n' | 't' | 'r' | 'b' | 'f'))) => {
                out.push(' ');
                out += &piece[c.len_utf8()..];
            }
            (None, Some(_)) => out += piece,
            // Two in a row are one.
            (None, None) => {
                out.push('\\');
                if let Some(next) = pieces.next() {
                    out += next;
                }
            }
        }
    }
    any.then_some(out)
}

/// The form in which texts are compared: without characters that show nothing, compatible characters
/// made one (NFKC), full case folding (ß is ss; what Turkish does with its i is not known here).
/// Ends when it has more than `most` bytes.
fn fold(text: &str, most: usize) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // Decomposed first: what is left for the case folding are letters and marks alone.
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !is_ignorable(*c)).nfkd().default_case_fold().nfkc() {
        out.push(c);
        if out.len() > most {
            break;
        }
    }
    out
}

/// Unicode's Default_Ignorable_Code_Point, which includes what is reserved for later ones.
fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFF8}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
