//! Parameters as the SDKs send them (`alibaba.md` §0.3, §0.4): everything is text, arrays come in
//! three encodings, booleans in any case. Gives typed values or the error that names the parameter.

use super::error::RpcError;
use crate::{
    domain::{
        GroupId, Tid, UserId,
        address::AllowList,
        endpoint::CallbackUrl,
        id::{BadId, MAX_ID},
        quota,
    },
    form::Form,
};

/// Decoded parameters of one call.
pub struct Params(Form);

/// An array parameter.
struct List {
    items: Vec<String>,
    /// Comma-joined text as it came: one id may itself have a comma.
    whole: Option<String>,
}

/// The users that an array parameter refers to, while nobody has looked yet who exists.
#[derive(Clone, Debug)]
pub struct Users {
    split: Result<Vec<UserId>, RpcError>,
    /// The whole text, where it has a comma and yet may be one id.
    whole: Option<UserId>,
}

impl Users {
    /// Nobody is named.
    pub fn is_empty(&self) -> bool {
        self.whole.is_none() && self.split.as_ref().is_ok_and(Vec::is_empty)
    }

    /// A comma does not split where the whole text names an existing id (`alibaba.md` §0.3). `exists` is
    /// asked only where there is a comma.
    pub fn meant(self, exists: impl FnOnce(&UserId) -> Result<bool, RpcError>) -> Result<Vec<UserId>, RpcError> {
        match self.whole {
            Some(whole) if exists(&whole)? => Ok(vec![whole]),
            _ => self.split,
        }
    }
}

impl Params {
    pub fn new(form: Form) -> Params {
        Params(form)
    }

    /// Absent or empty, in any encoding, is missing.
    pub fn require(&self, names: &[&str]) -> Result<(), RpcError> {
        match names.iter().find(|name| self.filled(name).is_none() && self.numbered(name).next().is_none()) {
            Some(name) => Err(RpcError::missing(name)),
            None => Ok(()),
        }
    }

    /// As sent; an empty text is not an absent one.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Present and not empty.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.text(name).filter(|text| !text.is_empty())
    }

    /// At most `most` bytes (0: any number); absent is empty.
    pub fn bounded(&self, name: &str, most: u32) -> Result<String, RpcError> {
        let text = self.text(name).unwrap_or_default();
        if !quota::fits(text.len(), most) {
            return Err(RpcError::invalid(name, format_args!("has {} bytes; {most} are allowed", text.len())));
        }
        Ok(text.to_string())
    }

    /// A decimal number within `from..=to`; absent or empty is `None`.
    pub fn int(&self, name: &str, from: i64, to: i64) -> Result<Option<i64>, RpcError> {
        let Some(text) = self.filled(name) else { return Ok(None) };
        match text.parse() {
            Ok(n) if (from..=to).contains(&n) => Ok(Some(n)),
            _ => Err(RpcError::invalid(name, format_args!("must be a number from {from} to {to}"))),
        }
    }

    /// 32 bits: more than that, no message type or weight needs, and a counter that grows by more in one message is a mistake.
    pub fn int32(&self, name: &str, default: i32) -> Result<i32, RpcError> {
        let n = self.int(name, i32::MIN.into(), i32::MAX.into())?;
        Ok(n.map_or(default, |n| n as i32)) // in range by the check above
    }

    /// `true` or `false` in any case; absent or empty is `None`.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, RpcError> {
        match self.filled(name) {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(RpcError::invalid(name, "must be true or false")),
        }
    }

    /// Where a list goes on; absent, empty, -1 and 0 are the first page.
    pub fn token(&self, name: &str) -> Result<Option<i64>, RpcError> {
        Ok(self.int(name, -1, i64::MAX)?.filter(|n| *n > 0))
    }

    /// The one of two spellings that was used; by default the first. An empty value is used, too.
    pub fn spelling<'a>(&self, name: &'a str, alias: &'a str) -> Result<&'a str, RpcError> {
        match (self.is_given(name), self.is_given(alias)) {
            (true, true) => Err(RpcError::invalid(name, format_args!("is given as {alias}, too"))),
            (false, true) => Ok(alias),
            (_, false) => Ok(name),
        }
    }

    /// Present in any encoding, if only empty.
    pub fn is_given(&self, name: &str) -> bool {
        self.text(name).is_some() || self.numbered(name).next().is_some()
    }

    /// 1 is oldest first, 2 newest first.
    pub fn ascending(&self) -> Result<bool, RpcError> {
        match self.int("SortType", 1, 2)? {
            Some(n) => Ok(n == 1),
            None => Err(RpcError::missing("SortType")),
        }
    }

    /// `Name=a,b`, `Name.1=a&Name.2=b` or `Name=["a","b"]`, of at most `most` items. `None`: absent or empty.
    fn list(&self, name: &str, most: u32) -> Result<Option<List>, RpcError> {
        let mut numbered: Vec<(u32, &str)> = Vec::new();
        for (suffix, value) in self.numbered(name) {
            let n = suffix.parse().ok().filter(|n| *n > 0);
            numbered.push((n.ok_or_else(|| RpcError::invalid(name, "has an index that is no number from 1 on"))?, value));
        }
        numbered.sort();
        let list = match (self.filled(name), numbered.is_empty()) {
            (None, true) => return Ok(None),
            (None, false) => List { items: numbered.into_iter().map(|(_, value)| value.to_string()).collect(), whole: None },
            (Some(_), false) => return Err(RpcError::invalid(name, "is given in two encodings")),
            (Some(text), true) if text.starts_with('[') => {
                let items = serde_json::from_str(text).map_err(|_| RpcError::invalid(name, "is no JSON array of strings"))?;
                List { items, whole: None }
            }
            (Some(text), true) => List { items: text.split(',').map(str::to_string).collect(), whole: Some(text.to_string()) },
        };
        if !quota::fits(list.items.len(), most) {
            return Err(RpcError::invalid(name, format_args!("has {} items; {most} are allowed", list.items.len())));
        }
        Ok(Some(list))
    }

    /// A list of words that are no ids, of which there must be one.
    pub fn some_texts(&self, name: &str) -> Result<Vec<String>, RpcError> {
        let items = self.list(name, 0)?.map(|list| list.items).unwrap_or_default();
        if items.is_empty() { Err(RpcError::missing(name)) } else { Ok(items) }
    }

    /// Refers to users: any ids. Absent is empty.
    pub fn users(&self, name: &str, most: u32) -> Result<Users, RpcError> {
        let Some(list) = self.list(name, most)? else { return Ok(Users { split: Ok(Vec::new()), whole: None }) };
        let split = list.items.iter().map(|item| UserId::new(item).map_err(no_id(name))).collect();
        let whole = list.whole.filter(|_| list.items.len() > 1).and_then(|text| UserId::new(&text).ok());
        match (split, whole) {
            (Err(why), None) => Err(why),
            (split, whole) => Ok(Users { split, whole }),
        }
    }

    /// [`Params::users`], of which there must be one.
    pub fn some_users(&self, name: &str, most: u32) -> Result<Users, RpcError> {
        let users = self.users(name, most)?;
        if users.is_empty() { Err(RpcError::missing(name)) } else { Ok(users) }
    }

    /// Names users that are made with it, each once. Absent is empty.
    pub fn new_users(&self, name: &str, most: u32) -> Result<Vec<UserId>, RpcError> {
        let mut users = Vec::new();
        for item in self.list(name, most)?.map(|list| list.items).unwrap_or_default() {
            check_new_id(name, &item)?;
            let user = UserId::trusted(&item);
            if !users.contains(&user) {
                users.push(user);
            }
        }
        Ok(users)
    }

    fn numbered<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let after = move |(key, value): (&'a String, &'a String)| Some((key.strip_prefix(name)?.strip_prefix('.')?, value.as_str()));
        self.0.iter().filter_map(after)
    }

    /// Refers to what has an id of this kind (`UserId::new`): any such id.
    pub fn id<T>(&self, name: &str, kind: fn(&str) -> Result<T, BadId>) -> Result<T, RpcError> {
        kind(self.filled(name).unwrap_or_default()).map_err(no_id(name))
    }

    /// Refers to a group.
    pub fn group(&self) -> Result<GroupId, RpcError> {
        self.id("GroupId", GroupId::new)
    }

    /// Refers to a user.
    pub fn user(&self, name: &str) -> Result<UserId, RpcError> {
        self.id(name, UserId::new)
    }

    /// Says who did something: any id, or nothing.
    pub fn author(&self, name: &str) -> Result<String, RpcError> {
        self.filled(name).map_or(Ok(String::new()), |_| self.user(name).map(|user| user.to_string()))
    }

    /// Refers to a message.
    pub fn message(&self) -> Result<Tid, RpcError> {
        self.id("MessageId", Tid::new)
    }

    /// Names a new message; absent or empty lets the server choose.
    pub fn tid(&self) -> Result<Option<Tid>, RpcError> {
        self.filled("MsgTid").map(|text| Tid::new(text).map_err(no_id("MsgTid"))).transpose()
    }
}

/// For `map_err`: the parameter's value is no id.
fn no_id(name: &str) -> impl Fn(BadId) -> RpcError + '_ {
    move |why| RpcError::invalid(name, format_args!("is no id: {why}"))
}

/// The alphabet in which ids may be *made* (`alibaba.md` §6 no. 9); those made elsewhere stay as they are.
pub fn is_new_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// [`is_new_id`], or the error that names the parameter.
pub fn check_new_id(name: &str, text: &str) -> Result<(), RpcError> {
    if is_new_id(text) { Ok(()) } else { Err(RpcError::invalid(name, format_args!("must have 1 to {MAX_ID} letters, digits, _ or -"))) }
}

/// May callbacks go to this URL, the value of `param`? Empty is legal: it switches off.
pub fn check_url(allow: &AllowList, param: &str, url: &str) -> Result<(), RpcError> {
    if url.is_empty() {
        return Ok(());
    }
    let parts = CallbackUrl::parse(url).ok_or_else(|| {
        RpcError::url(param, "must be http:// or https://, a host, perhaps a port and a path, without a user name; what is not plain ASCII is percent-encoded")
    })?;
    allow.check_url(&parts).map_err(|why| RpcError::url(param, format_args!("is not allowed: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pairs: &[(&str, &str)]) -> Params {
        Params::new(pairs.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect())
    }

    #[test]
    fn lists_in_three_encodings() {
        let many = "x,".repeat(100);
        for (pairs, expected) in [
            (&[("U", "a,b")][..], Ok(Some(vec!["a", "b"]))),
            (&[("U", "a")], Ok(Some(vec!["a"]))),
            (&[("U.2", "b"), ("U.10", "c"), ("U.1", "a")], Ok(Some(vec!["a", "b", "c"]))),
            (&[("U.1", "a,b")], Ok(Some(vec!["a,b"]))),
            (&[("U", r#"["a","b,c"]"#)], Ok(Some(vec!["a", "b,c"]))),
            (&[("U", "[]")], Ok(Some(vec![]))),
            (&[("U", "a,,b")], Ok(Some(vec!["a", "", "b"]))),
            (&[("U", "")], Ok(None)),
            (&[("Us.1", "a")], Ok(None)),
            (&[("U", "[1]")], Err("InputInvalid")),
            (&[("U", "[")], Err("InputInvalid")),
            (&[("U", "a"), ("U.1", "b")], Err("InputInvalid")),
            (&[("U.0", "a")], Err("InputInvalid")),
            (&[("U.x", "a")], Err("InputInvalid")),
            (&[("U.99999999999999999999", "a")], Err("InputInvalid")),
            (&[("U", many.as_str())], Err("InputInvalid")),
        ] {
            let got = params(pairs).list("U", 100).map(|l| l.map(|l| l.items)).map_err(|e| e.code);
            let expected = expected.map(|l| l.map(|l| l.into_iter().map(str::to_string).collect::<Vec<_>>()));
            assert_eq!(got, expected.map_err(str::to_string), "{pairs:?}");
        }
    }

    #[test]
    fn a_comma_does_not_split_who_exists() {
        let meant = |value: &str, there: &str| {
            let users = params(&[("U", value)]).users("U", 3)?.meant(|whole| Ok(whole.as_str() == there))?;
            Ok(users.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        for (value, there, expected) in [
            ("a,b", "a,b", Ok(vec!["a,b"])),
            ("a,b", "", Ok(vec!["a", "b"])),
            ("a", "a", Ok(vec!["a"])),
            (r#"["a,b"]"#, "", Ok(vec!["a,b"])),
            ("a,,b", "a,,b", Ok(vec!["a,,b"])),
            ("a,,b", "", Err("InputInvalid")),
            ("", "", Ok(vec![])),
        ] {
            let got = meant(value, there).map_err(|e: RpcError| e.code);
            let expected = expected.map(|users| users.into_iter().map(str::to_string).collect());
            assert_eq!(got, expected.map_err(str::to_string), "{value}");
        }
        assert_eq!(params(&[("U", "[]")]).some_users("U", 3).map_err(|e| e.code).err().as_deref(), Some("MissingU"));
    }

    #[test]
    fn two_spellings_are_one_too_many() {
        for (pairs, expected) in [
            (&[][..], Ok("N")),
            (&[("N", "")], Ok("N")),
            (&[("A", "")], Ok("A")),
            (&[("A.1", "x")], Ok("A")),
            (&[("A", "x"), ("N.1", "x")], Err("InputInvalid")),
        ] {
            assert_eq!(params(pairs).spelling("N", "A").map_err(|e| e.code), expected.map_err(str::to_string), "{pairs:?}");
        }
    }

    #[test]
    fn numbers_and_flags() {
        for (text, expected) in
            [("7", Ok(Some(7))), ("", Ok(None)), ("0", Err(())), ("11", Err(())), ("99999999999999999999", Err(())), ("1.0", Err(())), (" 1", Err(()))]
        {
            assert_eq!(params(&[("N", text)]).int("N", 1, 10).map_err(|_| ()), expected, "{text}");
        }
        for (text, expected) in
            [("True", Ok(Some(true))), ("false", Ok(Some(false))), ("FALSE", Ok(Some(false))), ("", Ok(None)), ("1", Err(())), ("yes", Err(()))]
        {
            assert_eq!(params(&[("F", text)]).flag("F").map_err(|_| ()), expected, "{text}");
        }
        assert_eq!(params(&[]).int32("N", 5), Ok(5));
        assert!(params(&[("N", "2147483648")]).int32("N", 5).is_err());
    }

    #[test]
    fn what_is_required_may_come_in_any_encoding() {
        for (pairs, expected) in [
            (&[("A", "1"), ("U", "x")][..], None),
            (&[("A", "1"), ("U.1", "x")], None),
            (&[("A", ""), ("U.1", "x")], Some("MissingA")),
            (&[("A", "1")], Some("MissingU")),
            (&[], Some("MissingA")),
        ] {
            assert_eq!(params(pairs).require(&["A", "U"]).err().map(|e| e.code).as_deref(), expected, "{pairs:?}");
        }
    }

    #[test]
    fn ids_to_be_made() {
        for (text, expected) in [("aZ0_-", true), ("", false), ("a b", false), ("a,b", false), ("ä", false), (&"x".repeat(64), true), (&"x".repeat(65), false)]
        {
            assert_eq!(is_new_id(text), expected, "{text}");
        }
    }
}
