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

fn custom(n: usize) -> Value {
    (0..n).map(|_| json!({"MsgType": "TIMCustomElem", "MsgContent": {"Data": "d", "Desc": "", "Ext": "", "Sound": ""}})).collect()
}

/// All that is wrong with a list of objects that name a user in this field.
fn objects(field: &str, most: usize, bytes: usize) -> Vec<(&'static str, Value)> {
    let one = |value: Value| json!([{field: value}]);
    vec![
        ("no item", json!([])),
        ("too many", (0..=most).map(|n| json!({field: format!("u{n}")})).collect()),
        ("an item that is text", json!(["u1"])),
        ("nobody", json!([{}])),
        ("an empty item", one("".into())),
        ("an item that is a number", one(7.into())),
        ("an item that is too long", one("u".repeat(bytes + 1).into())),
        ("a control character", one("u\u{1}".into())),
    ]
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
                    ("above the range", json!(to as u64 + 1)),
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
            Group => with("text", vec![("empty", json!("")), ("65 bytes", json!("c".repeat(65))), ("a control character", json!("c\u{1}"))]),
            NewGroup => with(
                "text",
                vec![
                    ("48 bytes", json!("c".repeat(48))),
                    ("a control character", json!("a\u{1}b")),
                    ("no ASCII", json!("\u{4e2d}")),
                    ("as those that are made up", json!("@TGS#c")),
                ],
            ),
            AnyUser => with("text", vec![("65 bytes", json!("u".repeat(65))), ("a control character", json!("u\u{1}"))]),
            SomeOrNo(most) => with("", list(most, 64).into_iter().filter(|(what, _)| *what != "no item").collect()),
            Accounts => with(
                "",
                vec![("no item", json!([])), ("an empty item", json!(["a", ""])), ("an item that is a number", json!(["a", 7])), ("too many", users(101, 8))],
            ),
            Items => with("", objects("UserID", 100, 64)),
            Members { most, none } => {
                let mut more = objects("Member_Account", most, 32);
                more.retain(|(what, _)| !(none && *what == "no item"));
                with("", more)
            }
            Data { keys, bytes } => with(
                "",
                vec![
                    ("too many", entries(keys + 1)),
                    ("no key", json!([{"Value": "v"}])),
                    ("no value", json!([{"Key": "k"}])),
                    ("an empty key", json!([{"Key": "", "Value": "v"}])),
                    ("a key that is too long", json!([{"Key": "k".repeat(17), "Value": "v"}])),
                    ("a key of other letters", json!([{"Key": "a-b", "Value": "v"}])),
                    ("a value that is too long", json!([{"Key": "k", "Value": "v".repeat(bytes + 1)}])),
                    ("a value that is a number", json!([{"Key": "k", "Value": 7}])),
                    ("the same key twice", json!([{"Key": "k", "Value": "v"}, {"Key": "k", "Value": "w"}])),
                ],
            ),
            Elements => with(
                "",
                vec![
                    ("no item", json!([])),
                    ("no type", json!([{"MsgContent": {"Text": "x"}}])),
                    ("no content", json!([{"MsgType": "TIMTextElem"}])),
                    ("a content that is text", json!([{"MsgType": "TIMTextElem", "MsgContent": "x"}])),
                    ("an illegal element", json!([{"MsgType": "TIMNoElem", "MsgContent": {}}])),
                    ("an illegal element", json!([{"MsgType": "TIMTextElem", "MsgContent": {"Text": 7}}])),
                    ("an illegal element", json!([{"MsgType": "TIMTextElem", "MsgContent": {}}])),
                    ("an illegal element", json!([{"MsgType": "TIMCustomElem", "MsgContent": {"Data": 7}}])),
                    ("an illegal element", custom(2)),
                ],
            ),
            Switches => with("", vec![("an item that is a number", json!(["NoUnread", 7])), ("too many", users(21, 8))]),
            Mentioned => with(
                "",
                vec![
                    ("too many", (0..31).map(|n| json!({"GroupAtAllFlag": 0, "GroupAt_Account": format!("u{n}")})).collect()),
                    ("nobody", json!([{"GroupAtAllFlag": 0}])),
                    ("a flag", json!([{"GroupAtAllFlag": true}])),
                    ("a user that is a number", json!([{"GroupAtAllFlag": 0, "GroupAt_Account": 7}])),
                ],
            ),
            Seqs => with(
                "",
                vec![
                    ("no item", json!([])),
                    ("too many", (1..=11).map(|n| json!({"MsgSeq": n})).collect()),
                    ("no number", json!([{}])),
                    ("a word", json!([{"MsgSeq": "first"}])),
                    ("below 0", json!([{"MsgSeq": -1}])),
                    ("a number beyond 32 bits", json!([{"MsgSeq": "4294967296"}])),
                ],
            ),
            GroupType => with("text", vec![("another word", json!("BChatRoom")), ("another case", json!("public"))]),
            Roles => with("", vec![("another word", json!(["Boss"])), ("an item that is a number", json!([7]))]),
            Size => with("number", vec![("below 0", json!(-1)), ("too large", json!(6_001)), ("a number as text", json!("7"))]),
            NoTopic => with("text", vec![("a topic", json!("@TOPIC#_t"))]),
            Place => with("text", vec![("a word", json!("next")), ("too long", json!("1".repeat(21))), ("below 0", json!("-1"))]),
            MsgKey { none } => {
                let mut more = vec![("too long", json!("1".repeat(51)))];
                more.extend(["1", "1_2", "1_2_3_4", "a_b_c", "-1_2_3", "1 _2_3"].map(|key| ("no key", json!(key))));
                more.extend((!none).then(|| ("empty", json!(""))));
                with("text", more)
            }
            Groups => with("", vec![("no item", json!([])), ("an item that is a number", json!(["r1", 7])), ("too many", users(51, 8))]),
        }
        .into_iter()
        // A list of one text is right for a list of texts.
        .filter(|(what, _)| !(*what == "list" && matches!(self, NewUsers(_) | Users(_) | Groups | Names | SomeOrNo(_) | Accounts | Switches)))
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
            // These have to be there.
            Group => vec![],
            NewGroup => vec![json!(""), json!("c".repeat(47)), json!(" !~ a&b?c=/%")],
            AnyUser => vec![json!(""), json!("owner")],
            SomeOrNo(most) => vec![json!([]), users(most, 64)],
            Accounts => vec![users(100, 32), json!(["x", "x", "y".repeat(33)])],
            Items => vec![(0..100).map(|n| json!({"UserID": format!("{:x<64}", format!("u{n}-"))})).collect()],
            Members { most, none } => {
                let members = (0..most).map(|n| json!({"Member_Account": format!("{:x<32}", format!("u{n}-"))}));
                let twice = json!([{"Member_Account": "x"}, {"Member_Account": "x", "AppMemberDefinedData": [{"Key": "k", "Value": "v"}]}]);
                [members.collect(), twice].into_iter().chain(none.then(|| json!([]))).collect()
            }
            Data { keys, bytes } => vec![json!([]), entries(keys), json!([{"Key": "k0", "Value": "v".repeat(bytes)}]), json!([{"Key": "k0", "Value": ""}])],
            Elements => vec![
                json!([{"MsgType": "TIMTextElem", "MsgContent": {"Text": ""}}]),
                custom(1),
                json!([{"MsgType": "TIMFaceElem", "MsgContent": {"Index": 1, "More": [null]}}, {"MsgType": "TIMRelayElem", "MsgContent": {}}]),
            ],
            Switches => vec![json!([]), json!(["NoUnread", "NoSuchSwitch"])],
            Mentioned => vec![json!([]), (0..30).map(|n| json!({"GroupAtAllFlag": n % 2, "GroupAt_Account": format!("u{n}")})).collect()],
            Seqs => vec![(1..=10).map(|n| json!({"MsgSeq": n})).collect(), json!([{"MsgSeq": "1"}, {"MsgSeq": u32::MAX}])],
            GroupType => vec![json!(""), json!("Public"), json!("Work"), json!("Private")],
            Roles => vec![json!([]), json!(["Owner", "Admin", "Member"])],
            Size => vec![json!(1), json!(6_000)],
            NoTopic => vec![json!("")],
            Place => vec![json!(""), json!("7")],
            MsgKey { none } => {
                if none {
                    vec![json!(""), json!("1_2_3")]
                } else {
                    vec![]
                }
            }
        }
    }
}
