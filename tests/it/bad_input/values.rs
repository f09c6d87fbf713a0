//! What is wrong, and what is just still right, for a parameter by what it may hold.

use super::table::{Kind::*, Need::*, Operation, Param};
use crate::harness::App;

/// Names and values as they are sent.
pub type Pairs = Vec<(String, String)>;

/// A bad value: what is wrong with it, what is sent, and the answer's status, code, and what its message names.
pub struct Bad {
    pub what: &'static str,
    pub pairs: Pairs,
    pub status: u16,
    pub code: String,
    pub names: String,
}

impl Param {
    /// Its value as one text.
    fn is(&self, value: impl Into<String>) -> Pairs {
        vec![(self.name.into(), value.into())]
    }

    fn numbered<S: Into<String>>(&self, items: impl IntoIterator<Item = S>) -> Pairs {
        items.into_iter().enumerate().map(|(n, item)| (format!("{}.{}", self.name, n + 1), item.into())).collect()
    }

    /// A list in each of the encodings.
    fn lists(&self, items: &[String]) -> Vec<Pairs> {
        vec![self.is(items.join(",")), self.numbered(items), self.is(serde_json::to_string(items).unwrap())]
    }

    /// Values that are refused before anything is looked for.
    fn illegal(&self) -> Vec<(&'static str, Pairs)> {
        let long = "x".repeat(65);
        let texts = |cases: &[(&'static str, &str)]| cases.iter().map(|(what, text)| (*what, self.is(*text))).collect::<Vec<_>>();
        let users = |n: usize| (0..n).map(|n| format!("u{n}")).collect::<Vec<_>>();
        match self.kind {
            AppId | Id | Group | LiveGroup | Online | Message | OpenChannel | Subscription => texts(&[
                ("65 bytes", &long),
                ("22 characters of 3 bytes", &"\u{4e2d}".repeat(22)),
                ("a line feed", "a\nb"),
                ("a control character", "a\u{1}b"),
                ("a control character above 127", "a\u{85}b"),
            ]),
            NewId => texts(&[("65 bytes", &long), ("a space", "a b"), ("a comma", "a,b"), ("a line feed", "a\nb"), ("no ASCII", "\u{e4}")]),
            DataCenter => texts(&[("unknown", "mars")]),
            Text(most) => texts(&[("a byte too long", &"x".repeat(most + 1)), ("too long in bytes only", &"\u{4e2d}".repeat(most / 3 + 1))]),
            AppName => texts(&[("there, but empty", ""), ("one character", "x"), ("17 characters", &"\u{4e2d}".repeat(17)), ("a line feed", "a\nb")]),
            Url => texts(&[
                ("another scheme", "ftp://a.example/"),
                ("no scheme", "a.example/cb"),
                ("no host", "http:///cb"),
                ("a private address", "http://10.0.0.1/cb"),
                ("a port", "http://a.example:81/cb"),
                ("a header's end", "http://a.example/\r\nX: y"),
            ]),
            Flag => texts(&[("a word", "maybe"), ("a number", "1")]),
            Order => texts(&[("a word", "up"), ("a number", "1"), ("more than it", "asc,desc")]),
            Recent => texts(&[("a word", "x"), ("a fraction", "1.5"), ("negative", "-1"), ("far above all integers", "99999999999999999999")]),
            Events => {
                let mut bad = texts(&[
                    ("unknown", "Events"),
                    ("in small letters", "userevent"),
                    ("an empty item", "UserEvent,"),
                    ("one of two unknown", "UserEvent,Publish"),
                    ("no JSON", "[\"UserEvent\""),
                    ("JSON of something else", "[1]"),
                ]);
                bad.push(("an index of 0", vec![("Events.0".into(), "UserEvent".into())]));
                bad.push(("two encodings", [self.is("UserEvent"), self.numbered(["ChannelEvent"])].concat()));
                bad
            }
            Int(from, to) => {
                let (below, above) = (i128::from(from) - 1, i128::from(to) + 1);
                texts(&[
                    ("a word", "x"),
                    ("a fraction", "1.5"),
                    ("a space before it", " 1"),
                    ("far above all integers", "99999999999999999999"),
                    ("below the range", &below.to_string()),
                    ("above the range", &above.to_string()),
                ])
            }
            Ids(most) | NewIds(most) => {
                let mut bad: Vec<_> = self.lists(&users(most + 1)).into_iter().map(|pairs| ("too many", pairs)).collect();
                bad.extend(texts(&[("65 bytes", &long), ("an empty item", "a,,b"), ("no JSON", "[\"a\""), ("JSON of something else", "[1]")]));
                bad.push(("a control character", self.numbered(["a", "a\u{1}b"])));
                bad.push(("an index of 0", vec![(format!("{}.0", self.name), "a".into())]));
                bad.push(("two encodings", [self.is("a"), self.numbered(["b"])].concat()));
                if matches!(self.kind, NewIds(_)) {
                    bad.extend([("a space", self.numbered(["a b"])), ("a comma", self.numbered(["a,b"])), ("no ASCII", self.is("\u{e4}"))]);
                }
                bad
            }
        }
    }

    /// All that is wrong about this parameter alone.
    pub fn bad(&self, operation: &Operation, other: &App, usual: impl Fn(&Param) -> String) -> Vec<Bad> {
        let mut all = Vec::new();
        let mut add = |what, pairs, status, code: &str, names: &str| {
            all.push(Bad { what, pairs, status, code: code.into(), names: names.into() });
        };
        let missing = match self.need {
            Required => format!("Missing{}", self.name),
            Demanded => "InputInvalid".into(),
            Asked => "InvalidInput".into(),
            Optional => String::new(),
        };
        if self.need != Optional {
            add("absent", vec![], 400, &missing, self.name);
            add("empty", self.is(""), 400, &missing, self.name);
            if matches!(self.kind, Ids(_) | Events) {
                add("an empty array", self.is("[]"), 400, &missing, self.name);
            }
        }
        let illegal = match self.kind {
            // The cloud spells it in another way than the parameter.
            Url if self.name == "CallbackUrl" => "ErrorInvalidCallBackUrl".into(),
            Url | AppName => format!("ErrorInvalid{}", self.name),
            _ => "InputInvalid".into(),
        };
        for (what, pairs) in self.illegal() {
            add(what, pairs, 400, &illegal, self.name);
        }
        let has_app = operation.params.iter().any(|p| p.kind == AppId);
        match self.kind {
            AppId => {
                add("unknown", self.is("no-such-app"), 404, "ResourceNotExist", "no-such-app");
                if let Some(there) = operation.params.iter().find(|p| p.kind.is_there()) {
                    add("another application's", self.is(&*other.id), 404, "ResourceNotExist", &usual(there));
                }
            }
            DataCenter if has_app => add("another one", self.is("ap-southeast-1"), 404, "ResourceNotExist", "ap-southeast-1"),
            kind if kind.is_there() => add("unknown", self.is("nobody knows"), 404, "ResourceNotExist", "nobody knows"),
            _ => (),
        }
        if self.kind == LiveGroup {
            add("deleted", self.is("gone"), 404, "ResourceNotExist", "gone");
        }
        all
    }

    /// Values at the edge of what is allowed.
    pub fn legal(&self) -> Vec<Pairs> {
        let mut all: Vec<Pairs> = match self.kind {
            AppId => vec![],
            Id | Group | LiveGroup | Online | Message | OpenChannel | Subscription => vec![self.is("x".repeat(64)), self.is("gr\u{fc}ppe 1,2 *~")],
            Events => ["ChannelEvent", "UserEvent,ChannelEvent", "[\"UserEvent\"]"]
                .into_iter()
                .map(|events| self.is(events))
                .chain([self.numbered(["UserEvent", "UserEvent"])])
                .collect(),
            Order => vec![self.is("asc"), self.is("desc")],
            Recent => vec![],
            NewId => vec![self.is("aZ0_-".repeat(12) + "aZ0_")],
            DataCenter => vec![self.is("cn-shanghai")],
            Text(most) => vec![self.is("x".repeat(most)), self.is("\u{4e2d}".repeat(most / 3))],
            AppName => vec![self.is("ab"), self.is("\u{4e2d}".repeat(16))],
            Url => vec![self.is("https://a.example/cb?x=1"), self.is("http://127.0.0.1:9/cb")],
            // True waits for an answer of the receiver.
            Flag if self.name == "HighReliability" => vec![self.is("False"), self.is("FALSE")],
            Flag => vec![self.is("False"), self.is("TRUE"), self.is("false")],
            Int(from, to) => vec![self.is(from.to_string()), self.is(to.to_string())],
            Ids(most) | NewIds(most) => self.lists(&(0..most).map(|n| format!("{:x<64}", format!("u{n}-"))).collect::<Vec<_>>()),
        };
        if self.need == Optional {
            all.push(vec![]);
        }
        if self.need == Optional && self.kind != AppName {
            all.push(self.is(""));
        }
        all
    }
}
