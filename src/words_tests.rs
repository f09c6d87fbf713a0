//! Folding, and lists that change under us.

use super::*;
use std::os::unix::fs::PermissionsExt;

/// A data folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("roomd-words-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn list(&self) -> PathBuf {
        self.0.join(FILE)
    }

    /// A new file in the list's place, as editors put one there.
    fn put(&self, bytes: impl AsRef<[u8]>) {
        let new = self.0.join("new");
        fs::write(&new, bytes).unwrap();
        fs::rename(new, self.list()).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn finds(list: &str, text: &str) -> bool {
    build(list).unwrap().0.is_some_and(|list| list.is_match(&fold(text, usize::MAX)))
}

/// A second later somebody asks, and the reading that this starts is waited for.
fn later(words: &Words, text: &str) -> bool {
    words.0.clock.advance(LOOK).unwrap();
    words.finds(text);
    words.0.clock.advance(0).unwrap();
    words.finds(text)
}

#[test]
fn what_is_the_same_word() {
    for (word, text, expected) in [
        ("bad", "that is BAD.", true),
        ("bad", "Ｂａｄ", true),
        ("ＢＡＤ", "bad", true),
        ("bad", "b\u{200b}a\u{ad}d", true),
        ("bad", "\u{202e}b\u{2060}ad\u{fe0f}", true),
        ("b\u{200d}ad", "bad", true),
        ("bad", "𝓫𝐚𝕕", true),
        ("bad", "ⓑⓐⓓ", true),
        ("bad", "badge", true),
        ("bad", "b ad", false),
        ("bad", "bäd", false),
        ("bad", "ba", false),
        ("", "anything", false),
        ("finance", "ﬁnance", true),
        ("oﬃce", "OFFICE", true),
        // Full folding of the Turkish letter is i and a dot above; it is not i, and ı is neither.
        ("İzmir", "izmir", false),
        ("İzmir", "i\u{307}ZMIR", true),
        ("izmir", "İzmir", false),
        ("ısı", "ISI", false),
        ("οδος", "ΟΔΌΣ", false),
        ("οδός", "ΟΔΌΣ", true),
        ("ΣΑΣ", "σας", true),
        ("straße", "STRASSE", true),
        ("strasse", "Straße", true),
        ("straẞe", "strasse", true),
        ("café", "cafe\u{301}", true),
        ("cafe", "café", false),
        ("加微信", "請加微信號", true),
        ("加微信", "加 微信", false),
        ("ｶﾞｷ", "ガキ", true),
        ("가", "각", false),
        ("각", "\u{1100}\u{1161}\u{11a8}", true),
        ("🍆", "a🍆\u{fe0f}b", true),
        ("👨\u{200d}👩", "👨👩", true),
        ("👍", "👍🏿", true),
        ("①", "1", true),
        ("＃tag", "#TAG", true),
        ("x\u{0}y", "x\u{0}Y", true),
    ] {
        assert_eq!(finds(word, text), expected, "{word:?} in {text:?}");
    }
}

#[test]
fn folding_again_changes_nothing_and_leaves_nothing_invisible() {
    for c in ('\0'..='\u{33ff}').chain('\u{a000}'..='\u{abff}').chain('\u{d7a4}'..='\u{1ffff}').chain('\u{e0000}'..='\u{e0fff}') {
        for text in [c.to_string(), format!("α{c}\u{301}\u{345}")] {
            let folded = fold(&text, usize::MAX);
            assert_eq!(fold(&folded, usize::MAX), folded, "{}", text.escape_unicode());
            assert!(!folded.chars().any(is_ignorable), "{}", text.escape_unicode());
        }
        // The short way for ASCII goes where the long one does.
        if c.is_ascii() {
            assert_eq!(format!("{}é", fold(&c.to_string(), usize::MAX)), fold(&format!("{c}é"), usize::MAX));
        }
    }
}

#[test]
fn lines_of_a_list() {
    let list = "\u{feff}# good\r\n  two words \r\n\n\t#bad\n\u{200b}#worse\n\u{3000}last\u{a0}\n\u{200b}\n \u{200b} \n";
    assert_eq!(build(list).unwrap().1, 2);
    for (text, expected) in
        [("good", false), ("TWO WORDS", true), ("two", false), ("bad", false), ("worse", false), ("the last", true), (" ", false), ("", false)]
    {
        assert_eq!(finds(list, text), expected, "{text:?}");
    }
    assert_eq!(build("\u{feff}word").unwrap().1, 1);
    assert_eq!(build("").unwrap().1, 0);
}

#[test]
fn the_example_is_written_once_and_has_no_word_in_force() {
    let folder = Folder::new("example");
    write_example(&folder.0).unwrap();
    assert_eq!(fs::read_to_string(folder.list()).unwrap(), EXAMPLE);
    assert_eq!(fs::metadata(folder.list()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(build(EXAMPLE).unwrap().1, 0);
    // Its entries are words once the sign is taken away.
    assert!(finds(&EXAMPLE.replace('#', ""), "CASINO Bonus"));
    folder.put("own");
    write_example(&folder.0).unwrap();
    assert_eq!(fs::read_to_string(folder.list()).unwrap(), "own");
    fs::remove_dir_all(&folder.0).unwrap();
    assert_eq!(write_example(&folder.0).unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_list_that_changes_is_read_again_within_a_second() {
    let folder = Folder::new("reload");
    let words = Words::open(folder.list(), Clock::standing());
    assert!(!words.finds("bad"), "no file is no word");
    folder.put("bad");
    assert!(!words.finds("bad"), "the file is looked at once a second");
    assert!(words.changed().is_some());
    assert!(later(&words, "bad") && !words.finds("worse"));
    folder.put("worse\nbad");
    assert!(later(&words, "worse") && words.finds("bad"));
    fs::remove_file(folder.list()).unwrap();
    assert!(!later(&words, "bad") && !words.finds("worse"));
    folder.put("bad");
    assert!(later(&words, "bad"));
    let again = Words::open(folder.list(), Clock::standing());
    assert!(again.finds("bad"), "a list that is there is in force from the start");
}

#[test]
fn a_list_that_cannot_be_read_leaves_the_old_one_in_force_and_is_told_once() {
    let folder = Folder::new("bad");
    folder.put("old");
    let words = Words::open(folder.list(), Clock::standing());
    let too_large = [b"new\n".to_vec(), vec![b'x'; LARGEST as usize]].concat();
    for (bytes, why) in [(&too_large[..], "more than 1048576 bytes"), (b"new\n\xff\n", "not UTF-8 in line 2")] {
        folder.put(bytes);
        assert!(later(&words, "old") && !words.finds("new"), "{why}");
        assert!(read(&folder.list()).unwrap_err().contains(why));
        // The same file is not read, and not complained of, a second time.
        assert!(words.changed().is_none(), "{why}");
    }
    folder.put([&too_large[4..LARGEST as usize], b"\nnew"].concat());
    assert!(later(&words, "new") && !words.finds("old"), "a list as large as it may be is read");
    fs::remove_file(folder.list()).unwrap();
    fs::create_dir(folder.list()).unwrap();
    assert!(later(&words, "new"));
    assert!(read(&folder.list()).unwrap_err().contains("not a file"));
}

#[test]
fn two_readings_never_run_at_once() {
    let folder = Folder::new("once");
    let words = Words::open(folder.list(), Clock::standing());
    folder.put("one");
    let reload = words.changed().unwrap();
    folder.put("another");
    assert!(words.changed().is_none(), "somebody reads it now");
    drop(reload);
    assert!(later(&words, "another"));
}

#[test]
fn json_inside_a_text_hides_no_word() {
    let list = build("bad\n坏\n😀").unwrap().0.unwrap();
    let clock = Clock::standing();
    let words = Words::none(&clock);
    *words.0.list.write().unwrap() = Some(list);
    for (text, found) in [
        (r#"{"t":"\u0062ad"}"#, true),
        (r#"{"t":"\u574f"}"#, true),
        (r#"{"t":"\ud83d\ude00"}"#, true),
        (r#"b\/ad b\nad"#, false),
        (r"\\u0062ad", false),
        (r"\u0062", false),
        (r"\u", false),
        (r"\ud83d\u0062ad", true),
        ("\\", false),
        (r"\\bad", true),
        (r"C:\temp\good", false),
    ] {
        assert_eq!(words.finds(text), found, "{text}");
    }
}

#[test]
fn a_text_that_swells_without_end_is_not_looked_at_to_its_end() {
    let clock = Clock::standing();
    let words = Words::none(&clock);
    assert!(!words.finds(&"\u{FDFA}".repeat(5_000)), "without a list, nothing is looked at");
    *words.0.list.write().unwrap() = build("bad").unwrap().0;
    assert!(words.finds(&"\u{FDFA}".repeat(5_000)));
    assert!(!words.finds("\u{FDFA} \u{FDFA}"), "one or two in a text are what people write");
    assert!(!words.finds(&"中".repeat(5_000)));
}
