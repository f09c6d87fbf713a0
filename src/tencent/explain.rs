//! A UserSig in words for a person, step by step (`tencent.md` §2.4). For `roomd verify`; nothing is decided
//! with it. A key never appears in a text made here.

use super::usersig::{self, Flaw, MAX_TEXT};
use crate::{
    domain::Millis,
    explanation::{Explanation, Lines, span},
};

/// Of `sdkappid` and `user` each is compared if it is given: the server takes them from the URL of a call
/// or from the login. That a UserSig was revoked is known to the server alone.
pub fn usersig(text: &str, key: &str, sdkappid: Option<u32>, user: Option<&str>, now: Millis) -> Explanation {
    let mut lines = Lines::default();
    let wrong = steps(&mut lines, text.trim(), key, sdkappid, user, now).err();
    lines.verdict(wrong)
}

/// A line for each step that is passed; the error says why the next one is not.
fn steps(lines: &mut Lines, text: &str, key: &str, sdkappid: Option<u32>, user: Option<&str>, now: Millis) -> Result<(), String> {
    let hint = if text.contains('%') { "; it is percent-encoded, as in a URL: decode it first" } else { "" };
    lines.put("length", format_args!("{} bytes, of at most {MAX_TEXT}", text.len()));
    let json = usersig::unpack(text).map_err(|why| why + hint)?;
    lines.put("unpacked", format_args!("{} bytes of JSON", json.len()));
    lines.put("document", String::from_utf8_lossy(&json));
    let document = usersig::parse(&json)?;
    lines.put("identifier", &document.identifier);
    lines.put("sdkappid", document.sdkappid);
    lines.put("made", moment(document.time));
    let end = document.time.saturating_add(document.expire);
    let left = end.saturating_sub(now.seconds());
    lines.put(
        "expires",
        if left >= 0 { format!("in {}, {}", span(left), moment(end)) } else { format!("{} ago, {}", span(left.saturating_neg()), moment(end)) },
    );
    lines.block("string to sign", document.to_sign().trim_end());
    let expected = document.sign(key);
    lines.put("HMAC-SHA256", &expected);
    lines.put("TLS.sig", &document.signature);
    // In the server's own order, with the server's own words where nothing better is known.
    let sdkappid = sdkappid.unwrap_or(document.sdkappid);
    let user = user.unwrap_or(&document.identifier);
    match usersig::verify(text, sdkappid, key, user, now) {
        Ok(_) => Ok(()),
        Err(Flaw::WrongSignature) if key.trim() != key => Err("the key begins or ends with a space or line end, which is none of it".into()),
        Err(Flaw::WrongSignature) => Err("the signature is wrong: another key, or one of the signed lines differs".into()),
        Err(Flaw::OtherApp) => Err(format!("it is for SDKAppID {}, not for {sdkappid}", document.sdkappid)),
        Err(Flaw::OtherUser) => Err(format!("it is for {:?}, not for {user:?}", document.identifier)),
        Err(Flaw::Expired) => Err("rightly signed, but expired: make a new one".into()),
        Err(flaw) => Err(flaw.to_string()),
    }
}

/// A second on the calendar, or as it is if no calendar has it.
fn moment(seconds: i64) -> String {
    const FAR: i64 = 253_402_300_800;
    if !(0..FAR).contains(&seconds) {
        return format!("second {seconds}");
    }
    let utc = Millis(seconds * 1_000).utc();
    format!("{}-{:02}-{:02} {:02}:{:02}:{:02} UTC", utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::UserId;
    use base64::{Engine, engine::general_purpose::STANDARD};

    /// Vector 0 of the contract (§2.2).
    const KEY: &str = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e";
    const APP: u32 = 1_400_000_000;
    const GOOD: &str = "eJyrVgrxCdYrSy1SslJQMtIzUNJRAItkpqTmlWSmZUIkKjIT87NK82CSxSnZiQUFmSlAKUMTAyiAyqVWFGQWpYJkTE1NjRDiJZm5YFEzM0sLcyNDQyOYWZnpYBuyKg39HAsLitxN08yTfCq0c-JTg9INi-P9KotzsoxcXbITIy2zAp3K9fNtlWoBOjk0Zg__";

    fn packed(document: &str) -> String {
        let packed = miniz_oxide::deflate::compress_to_vec_zlib(document.as_bytes(), 6);
        STANDARD.encode(packed).replace('+', "*").replace('/', "-").replace('=', "_")
    }

    #[test]
    fn each_step_is_shown_up_to_the_one_that_fails() {
        let made = 1_669_872_112;
        let user = |name: &str| UserId::trusted(name);
        let other = usersig::make(7, KEY, &user("xiaojun"), made, 10, None);
        let old = usersig::make(APP, KEY, &user("xiaojun"), made - 20, 10, None);
        let endless = usersig::make(APP, KEY, &user("xiaojun"), made, i64::MAX, None);
        let version = packed(r#"{"TLS.ver":"1.0","TLS.identifier":"u","TLS.sdkappid":1,"TLS.expire":1,"TLS.time":1,"TLS.sig":"x"}"#);
        let spaced = format!("{KEY}\n");
        for (text, key, sdkappid, user, expected) in [
            (GOOD, KEY, Some(APP), Some("xiaojun"), "✓ valid"),
            (GOOD, KEY, None, None, "    TLS.identifier:xiaojun\n    TLS.sdkappid:1400000000\n    TLS.time:1669872112\n    TLS.expire:15552000\n"),
            (&format!("  {GOOD}\n"), KEY, None, None, "✓ valid"),
            (GOOD, KEY, None, None, "made        2022-12-01 05:21:52 UTC\nexpires     in 180 d 0 h, 2023-05-30 05:21:52 UTC"),
            (GOOD, KEY, None, None, "xjy1NAqprG5f7bLx+loeRg1soNyslj2EDkaY9jQBw/o="),
            (&endless, KEY, None, None, "second 9223372036854775807"),
            (GOOD, "another", None, None, "✗ the signature is wrong: another key"),
            (GOOD, &spaced, None, None, "✗ the key begins or ends with a space"),
            (GOOD, KEY, Some(7), None, "✗ it is for SDKAppID 1400000000, not for 7"),
            (GOOD, KEY, None, Some("xiaohong"), "✗ it is for \"xiaojun\", not for \"xiaohong\""),
            (&other, KEY, Some(APP), Some("xiaohong"), "✗ it is for SDKAppID 7"),
            (&other, "another", Some(APP), None, "✗ the signature is wrong"),
            (&old, KEY, None, None, "expires     10 s ago, "),
            (&old, KEY, None, None, "✗ rightly signed, but expired"),
            (&GOOD.replace('_', "%5F"), KEY, None, None, "percent-encoded, as in a URL"),
            ("!!", KEY, None, None, "✗ it is no base64"),
            ("AAAA", KEY, None, None, "✗ what is in the base64 is not zlib"),
            (&packed("[]"), KEY, None, None, "✗ what is in it is not the JSON of a UserSig"),
            (&packed(&" ".repeat(100_000)), KEY, None, None, "unpacks to more than 8192 bytes"),
            (&version, KEY, None, None, "✗ TLS.ver is \"1.0\"; it must be \"2.0\""),
            (&"A".repeat(4_097), KEY, None, None, "✗ it has 4097 bytes; 4096 are allowed"),
        ] {
            let told = usersig(text, key, sdkappid, user, Millis(made * 1_000));
            assert!(told.text.contains(expected), "{expected}: {}", told.text);
            assert_eq!(told.good, told.text.ends_with("✓ valid\n"), "{}", told.text);
            assert!(!told.text.contains(KEY), "{}", told.text);
        }
    }
}
