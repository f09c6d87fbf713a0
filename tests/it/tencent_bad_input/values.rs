//! What a parameter is given in the place of its usual value: all that is wrong with it, and what is just still right.

use super::table::{
    Kind::{self, *},
    Param,
};
use serde_json::{Value, json};

/// A value in the place of the usual one; `None` leaves it out.
pub type Case = (&'static str, Option<Value>);

fn users(n: usize, bytes: usize) -> Value {
    (0..n).map(|n| format!("{:x<bytes$}", format!("u{n}-"))).collect()
}

fn entries(n: usize) -> Value {
    (0..n).map(|n| json!({"Key": format!("k{n}"), "Value": "v"})).collect()
}

/// Values of other JSON types than the right one.
fn others(right: &str) -> Vec<Case> {
    let all = [
        ("text", json!("x")),
        ("number", json!(7)),
        ("fraction", json!(1.5)),
        ("flag", json!(true)),
        ("list", json!(["x"])),
        ("object", json!({"x": 1})),
        ("null", Value::Null),
    ];
    all.into_iter().filter(|(kind, _)| *kind != right).map(|(kind, value)| (kind, Some(value))).collect()
}

impl Param {
    /// All that is wrong about this parameter alone.
    pub fn bad(&self) -> Vec<Case> {
        let mut bad = self.kind.bad();
        if self.is_needed {
            bad.push(("absent", None));
        }
        bad
    }
}

impl Kind {
    fn bad(self) -> Vec<Case> {
        let with = |right: &str, more: Vec<(&'static str, Value)>| {
            let mut all = others(right);
            all.extend(more.into_iter().map(|(what, value)| (what, Some(value))));
            all
        };
        let list = |most: usize, bytes: usize| {
            vec![
                ("no item", json!([])),
                ("an empty item", json!(["a", ""])),
                ("an item that is a number", json!(["a", 7])),
                ("a control character", json!(["a\u{1}b"])),
                ("an item that is too long", users(1, bytes + 1)),
                ("too many", users(most + 1, 8)),
            ]
        };
        match self {
            NewRoom => with(
                "text",
                vec![
                    ("empty", json!("")),
                    ("49 bytes", json!("r".repeat(49))),
                    ("a control character", json!("a\u{1}b")),
                    ("a line end", json!("a\n")),
                    ("no ASCII", json!("\u{4e2d}")),
                    ("DEL", json!("a\u{7f}")),
                ],
            ),
            Room => with("text", vec![("empty", json!("")), ("65 bytes", json!("r".repeat(65))), ("a control character", json!("r\u{1}"))]),
            NewUser => with("text", vec![("empty", json!("")), ("33 bytes", json!("u".repeat(33))), ("a control character", json!("u\u{1}"))]),
            MaybeUser => with(
                "text",
                vec![("33 bytes", json!("u".repeat(33))), ("33 bytes in 11 letters", json!("\u{4e2d}".repeat(11))), ("a control character", json!("u\n"))],
            ),
            User => with("text", vec![("empty", json!("")), ("65 bytes", json!("u".repeat(65))), ("a control character", json!("u\u{1}"))]),
            NewUsers(most) => with("", list(most, 32)),
            Users(most) => with("", list(most, 64)),
            Text(0) => others("text"),
            Text(most) => with("text", vec![("too long", json!("x".repeat(most + 1))), ("too long in bytes", json!("\u{4e2d}".repeat(most / 3 + 1)))]),
            Filled(0) => with("text", vec![("empty", json!(""))]),
            Filled(most) => with("text", vec![("empty", json!("")), ("too long", json!("x".repeat(most + 1)))]),
            Int(i64::MIN, i64::MAX) => with("number", vec![("beyond 64 bits", json!(u64::MAX)), ("far beyond", json!(1e30)), ("a number as text", json!("7"))]),
            Int(from, to) => with(
                "number",
                vec![
                    ("below the range", json!(from - 1)),
                    ("above the range", json!(to + 1)),
                    ("far beyond", json!(u64::MAX)),
                    ("a number as text", json!("7")),
                ],
            ),
            Flag => with("flag", vec![("a flag as text", json!("true"))]),
            Object => others("object"),
            Numbers(most) => with(
                "",
                vec![
                    ("too many", (0..=most).collect()),
                    ("an item that is text", json!([1, "2"])),
                    ("a fraction", json!([1.5])),
                    ("beyond 64 bits", json!([u64::MAX])),
                ],
            ),
            OneOf(_) => with("text", vec![("empty", json!("")), ("another word", json!("Conference")), ("another case", json!("LIVE"))]),
            Url => with(
                "",
                [
                    "",
                    "cb.example.com/x",
                    "ftp://cb.example.com/",
                    "http://",
                    "http:///x",
                    "http://a b/",
                    "http://cb.example.com/a b",
                    "http://cb.example.com/?a=1",
                    "http://cb.example.com/a&b",
                    "http://cb.example.com/a!",
                    "http://cb.example.com/$",
                    "http://under_score.example.com/",
                    "http://a..example.com/",
                    "http://\u{4e2d}.example.com/",
                    "http://10.0.0.1/",
                    "http://192.168.1.1:8080/x",
                    "http://[::1]/",
                    "http://169.254.169.254/",
                    "http://cb.example.com:0/",
                    "http://cb.example.com:65536/",
                    "http://cb.example.com:x/",
                ]
                .into_iter()
                .map(|url| ("an address that will not do", json!(url)))
                .chain([
                    ("a part of 64 bytes", json!(format!("http://{}.example.com/", "a".repeat(64)))),
                    ("too long", json!(format!("http://cb.example.com/{}", "x".repeat(10_000)))),
                ])
                .collect(),
            ),
            Words => with(
                "",
                vec![
                    ("an unknown word", json!(["Live.CallbackAfterCreateRoom", "Live.CallbackAfterNothing"])),
                    ("a word of conferences", json!(["Room.CallbackAfterCreateRoom"])),
                    ("the misprint of the document", json!(["Live.CallbackMemberStateChanged"])),
                    ("another case", json!(["live.callbackaftercreateroom"])),
                    ("an empty item", json!([""])),
                    ("an item that is a number", json!([1])),
                ],
            ),
            Cursor => with(
                "",
                ["1", "-", "1-", "-1", "1-2-3", "01-1", "+1-1", " 1-1", "a-b", "18446744073709551616-1"]
                    .into_iter()
                    .map(|next| ("no cursor", json!(next)))
                    .collect(),
            ),
            Entries => with(
                "",
                vec![
                    ("no item", json!([])),
                    ("too many", entries(11)),
                    ("no key", json!([{"Value": "v"}])),
                    ("no value", json!([{"Key": "k"}])),
                    ("an empty key", json!([{"Key": "", "Value": "v"}])),
                    ("a key that is too long", json!([{"Key": "k".repeat(51), "Value": "v"}])),
                    ("a key that is too long in bytes", json!([{"Key": "\u{4e2d}".repeat(17), "Value": "v"}])),
                    ("a value that is too long", json!([{"Key": "k", "Value": "v".repeat(2_049)}])),
                    ("a key that is a number", json!([{"Key": 7, "Value": "v"}])),
                    ("a value that is a number", json!([{"Key": "k", "Value": 7}])),
                    ("the second is wrong", json!([{"Key": "k", "Value": "v"}, 7])),
                    ("the same key twice", json!([{"Key": "k", "Value": "v"}, {"Key": "k", "Value": "w"}])),
                ],
            ),
            Keys { none } => {
                let mut more = list(10, 50);
                // Any text is a key.
                more.retain(|(what, _)| *what != "a control character" && !(none && *what == "no item"));
                let mut all = with("", more);
                all.retain(|(what, _)| *what != "list");
                return all;
            }
            Names => with("", vec![("an item that is a number", json!(["Name", 7]))]),
            Groups => with("", vec![("no item", json!([])), ("an item that is a number", json!(["r1", 7])), ("too many", users(51, 8))]),
        }
        .into_iter()
        // A list of one text is right for a list of texts.
        .filter(|(what, _)| !(*what == "list" && matches!(self, NewUsers(_) | Users(_) | Groups | Names)))
        .collect()
    }

    /// Values at the edge of what is allowed.
    pub fn legal(self) -> Vec<Value> {
        match self {
            NewRoom => vec![json!("r".repeat(48)), json!(" !~ a&b?c=/%")],
            NewUser | MaybeUser => vec![json!("u".repeat(32)), json!("\u{4e2d}".repeat(10)), json!("a b\"\\")],
            // These have to be there.
            Room | User => vec![],
            NewUsers(most) => vec![users(most, 32), json!(["x", "x"])],
            Users(most) => vec![users(most, 64)],
            Text(0) | Filled(0) => vec![json!("x".repeat(10_000)), json!("\u{4e2d}\u{1f600}\n")],
            Text(most) => vec![json!(""), json!("x".repeat(most)), json!("\u{4e2d}".repeat(most / 3))],
            Filled(most) => vec![json!("x"), json!("x".repeat(most))],
            Int(from, to) => vec![json!(from), json!(to)],
            Flag => vec![json!(true), json!(false)],
            Object => vec![],
            Numbers(most) => vec![json!([]), (0..most).collect(), json!([-1, i64::MAX])],
            OneOf(words) => words.iter().map(|word| json!(word)).collect(),
            Url => [
                "http://a-b.example.com",
                "https://cb.example.com:8443/live",
                "http://127.0.0.1:9/x",
                "http://8.8.8.8/x",
                "http://8.8.8.8:8080/",
                "http://[2606:4700::1]:80/",
            ]
            .map(Value::from)
            .into(),
            Words => vec![json!([]), json!(["Group.CallbackBeforeSendMsg", "Follow.CallbackAfterFollowAdd", "Mic.CallbackAfterSeatInfoChanged"])],
            Cursor => vec![json!(""), json!("18446744073709551615-1"), json!("0-9223372036854775807")],
            Entries => vec![entries(10), json!([{"Key": "k".repeat(50), "Value": "v".repeat(2_048)}]), json!([{"Key": "k", "Value": ""}])],
            Keys { none } => {
                if none {
                    vec![json!([]), json!(["none"])]
                } else {
                    vec![json!(["none"])]
                }
            }
            Groups => vec![users(50, 8)],
            Names => vec![json!([]), json!(["Name", "NoSuchField", "Name"])],
        }
    }
}
