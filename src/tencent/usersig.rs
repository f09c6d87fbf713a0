//! UserSig, the credential of that cloud's users and administrators (`tencent.md` §2): a signed JSON
//! document, deflated, in a base64 of its own. Made and verified here; who may do what with it is not
//! decided here.

use crate::domain::{Millis, UserId};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize, de};
use sha2::Sha256;
use std::fmt;
use subtle::ConstantTimeEq;

/// Longest text that is looked at, in bytes; real ones have 170 to 260.
pub(super) const MAX_TEXT: usize = 4 * 1024;
/// Longest document that a text may unpack to, in bytes: what grows beyond it is a bomb.
const MAX_DOCUMENT: usize = 8 * 1024;
const VERSION: &str = "2.0";

/// What is wrong with a UserSig, in the order in which it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is not readable.
    Malformed,
    /// It is not signed with this application's key.
    WrongSignature,
    /// Rightly signed, for another SDKAppID.
    OtherApp,
    /// Rightly signed, for another user.
    OtherUser,
    /// Rightly signed, but its time is over.
    Expired,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Flaw::Malformed => "the UserSig is not readable",
            Flaw::WrongSignature => "the UserSig is not signed with this application's key",
            Flaw::OtherApp => "the UserSig is for another SDKAppID",
            Flaw::OtherUser => "the UserSig is for another user",
            Flaw::Expired => "the UserSig has expired",
        })
    }
}

impl std::error::Error for Flaw {}

/// What a client logs in with (`session.md` §2).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserSigJson {
    #[serde(deserialize_with = "number")]
    pub sdkappid: u32,
    pub identifier: String,
    pub usersig: String,
}

impl fmt::Debug for UserSigJson {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "UserSigJson({} of {})", self.identifier, self.sdkappid)
    }
}

/// Clients keep it as a number or as decimal text.
fn number<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u32),
        Text(String),
    }
    match Either::deserialize(from)? {
        Either::Number(n) => Ok(n),
        Either::Text(text) => text.parse().map_err(|_| de::Error::custom("sdkappid must be a number")),
    }
}

/// The document in a UserSig; times in seconds.
#[derive(Serialize, Deserialize)]
pub(super) struct Document {
    #[serde(rename = "TLS.ver")]
    version: String,
    #[serde(rename = "TLS.identifier")]
    pub(super) identifier: String,
    #[serde(rename = "TLS.sdkappid")]
    pub(super) sdkappid: u32,
    #[serde(rename = "TLS.time")]
    pub(super) time: i64,
    #[serde(rename = "TLS.expire")]
    pub(super) expire: i64,
    /// Base64 of what another product of the cloud reads; signed, and of no meaning here.
    #[serde(rename = "TLS.userbuf", default, skip_serializing_if = "Option::is_none")]
    userbuf: Option<String>,
    #[serde(rename = "TLS.sig")]
    pub(super) signature: String,
}

impl Document {
    /// The lines that are signed, each with its end.
    pub(super) fn to_sign(&self) -> String {
        let Document { identifier, sdkappid, time, expire, userbuf, .. } = self;
        let mut text = format!("TLS.identifier:{identifier}\nTLS.sdkappid:{sdkappid}\nTLS.time:{time}\nTLS.expire:{expire}\n");
        if let Some(userbuf) = userbuf {
            text += &format!("TLS.userbuf:{userbuf}\n");
        }
        text
    }

    pub(super) fn sign(&self, key: &str) -> String {
        // The key is text, and is not decoded although it looks like hex.
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a MAC takes a key of any length");
        mac.update(self.to_sign().as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    }
}

/// A UserSig that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// When it was made, in seconds: one made before its user was kicked is worth nothing.
    pub made: i64,
}

/// A UserSig of `identifier` from `time` on, for `expire` seconds. `userbuf` is signed along.
pub fn make(sdkappid: u32, key: &str, identifier: &UserId, time: i64, expire: i64, userbuf: Option<&[u8]>) -> String {
    let userbuf = userbuf.map(|bytes| STANDARD.encode(bytes));
    let mut document = Document { version: VERSION.into(), identifier: identifier.to_string(), sdkappid, time, expire, userbuf, signature: String::new() };
    document.signature = document.sign(key);
    let json = serde_json::to_vec(&document).expect("strings and numbers");
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(&json, 6);
    // Not the URL alphabet of RFC 4648: `_` is padding and `-` is a slash.
    STANDARD.encode(packed).replace('+', "*").replace('/', "-").replace('=', "_")
}

/// Is it good now for this user of the application with this SDKAppID and key? The signature is looked at
/// before what it says, so that nobody learns from an answer what it would have had to say.
pub fn verify(text: &str, sdkappid: u32, key: &str, identifier: &str, now: Millis) -> Result<Verified, Flaw> {
    let document = read(text)?;
    if !bool::from(document.sign(key).as_bytes().ct_eq(document.signature.as_bytes())) {
        return Err(Flaw::WrongSignature);
    }
    if document.sdkappid != sdkappid {
        return Err(Flaw::OtherApp);
    }
    if document.identifier != identifier {
        return Err(Flaw::OtherUser);
    }
    if now.seconds() > document.time.saturating_add(document.expire) {
        return Err(Flaw::Expired);
    }
    Ok(Verified { made: document.time })
}

fn read(text: &str) -> Result<Document, Flaw> {
    unpack(text).and_then(|json| parse(&json)).map_err(|_| Flaw::Malformed)
}

/// The JSON in it. The error says which step fails.
pub(super) fn unpack(text: &str) -> Result<Vec<u8>, String> {
    if text.len() > MAX_TEXT {
        return Err(format!("it has {} bytes; {MAX_TEXT} are allowed", text.len()));
    }
    let standard = text.replace('*', "+").replace('-', "/").replace('_', "=");
    let packed = STANDARD.decode(standard).map_err(|why| format!("it is no base64, in which * stands for +, - for / and _ for =: {why}"))?;
    miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(&packed, MAX_DOCUMENT)
        .map_err(|_| format!("what is in the base64 is not zlib, or unpacks to more than {MAX_DOCUMENT} bytes"))
}

/// The document that the JSON is.
pub(super) fn parse(json: &[u8]) -> Result<Document, String> {
    let document: Document = serde_json::from_slice(json).map_err(|why| format!("what is in it is not the JSON of a UserSig: {why}"))?;
    if document.version != VERSION {
        return Err(format!("TLS.ver is {:?}; it must be {VERSION:?}", document.version));
    }
    // A line break in the identifier would be one in what is signed.
    UserId::new(&document.identifier).map_err(|why| format!("TLS.identifier is none: {why}"))?;
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Vectors {
        vectors: Vec<Vector>,
    }

    #[derive(Deserialize)]
    struct Vector {
        sdkappid: u32,
        key: String,
        identifier: String,
        expire: i64,
        time: i64,
        usersig: String,
        tls_sig: String,
        userbuf_hex: Option<String>,
    }

    fn vectors() -> Vec<Vector> {
        let text = include_str!("../../tests/wire/tencent/usersig_vectors.json");
        let vectors = serde_json::from_str::<Vectors>(text).unwrap().vectors;
        assert_eq!(vectors.len(), 11);
        vectors
    }

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    fn at(seconds: i64) -> Millis {
        Millis(seconds * 1_000)
    }

    #[test]
    fn those_of_the_cloud_s_own_libraries_are_read_and_made_alike() {
        for v in vectors() {
            let name = &v.identifier;
            assert_eq!(verify(&v.usersig, v.sdkappid, &v.key, name, at(v.time)), Ok(Verified { made: v.time }), "{name}");
            assert_eq!(verify(&v.usersig, v.sdkappid, &v.key, name, at(v.time + v.expire)), Ok(Verified { made: v.time }), "{name}: its last second");
            assert_eq!(verify(&v.usersig, v.sdkappid, &v.key, name, at(v.time + v.expire + 1)), Err(Flaw::Expired), "{name}");
            // The packing may differ, what is in it may not.
            let userbuf = v.userbuf_hex.as_deref().map(bytes);
            let ours = make(v.sdkappid, &v.key, &UserId::trusted(name), v.time, v.expire, userbuf.as_deref());
            assert_eq!(read(&ours).unwrap().signature, v.tls_sig, "{name}");
            assert!(ours.bytes().all(|b| b.is_ascii_alphanumeric() || b"*-_".contains(&b)), "{ours}");
        }
    }

    #[test]
    fn each_flaw_is_told() {
        let v = &vectors()[0];
        let make = |sdkappid: u32, key: &str, user: &str| make(sdkappid, key, &UserId::trusted(user), 1_000, 10, None);
        let check = |text: &str| verify(text, v.sdkappid, &v.key, "xiaojun", at(1_005)).err();
        assert_eq!(check(&make(v.sdkappid, &v.key, "xiaojun")), None);
        assert_eq!(check(&make(v.sdkappid, "another key", "xiaojun")), Some(Flaw::WrongSignature));
        assert_eq!(check(&make(7, "another key", "else")), Some(Flaw::WrongSignature), "another application's genuine one");
        assert_eq!(check(&make(7, &v.key, "xiaojun")), Some(Flaw::OtherApp));
        assert_eq!(check(&make(v.sdkappid, &v.key, "else")), Some(Flaw::OtherUser));
        assert_eq!(check(&v.usersig.replace("eJy", "eJx")), Some(Flaw::Malformed));
        for text in ["", "!!", "____", "AAAA", &"A".repeat(4_097), "eJyrVgrx"] {
            assert_eq!(check(text), Some(Flaw::Malformed), "{text}");
        }
    }

    #[test]
    fn what_clients_log_in_with() {
        for text in [r#"{"sdkappid":7,"identifier":"u","usersig":"s"}"#, r#"{"usersig":"s","identifier":"u","sdkappid":"7"}"#] {
            let login: UserSigJson = serde_json::from_str(text).unwrap();
            assert_eq!(login, UserSigJson { sdkappid: 7, identifier: "u".into(), usersig: "s".into() });
            assert_eq!(format!("{login:?}"), "UserSigJson(u of 7)", "without its secret");
        }
        for text in [r#"{"sdkappid":-7,"identifier":"u","usersig":"s"}"#, r#"{"sdkappid":"x","identifier":"u","usersig":"s"}"#] {
            assert!(serde_json::from_str::<UserSigJson>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_unpacks_to_more_than_a_document_is_not_unpacked() {
        let bomb = miniz_oxide::deflate::compress_to_vec_zlib(&vec![b' '; 3_000_000], 9);
        let text = STANDARD.encode(bomb).replace('+', "*").replace('/', "-").replace('=', "_");
        assert!(text.len() <= MAX_TEXT, "it comes past the first bound: {}", text.len());
        assert_eq!(read(&text).err(), Some(Flaw::Malformed));
    }
}
