//! How requests and callbacks of this cloud are signed: request signatures V3 and 1.0
//! (`alibaba.md` §1.1, §1.2), callback signatures (§3.2, §4.2). Makes and checks; comparisons of
//! secrets take the same time wherever they differ. Knows no operation and no state.

use crate::form::{Form, canonical, encode};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The scheme in front of a V3 `Authorization`.
pub const V3_SCHEME: &str = "ACS3-HMAC-SHA256";
/// Headers that a V3 request must sign; without them it could be sent elsewhere, again or as another action.
pub const V3_SIGNED: [&str; 6] = ["host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"];

/// Lower-case digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Equal, and nobody can time where they differ.
pub fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

/// What stands in a V3 `Authorization` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization<'a> {
    pub key_id: &'a str,
    /// Lower-case names in the order sent.
    pub signed: Vec<&'a str>,
    pub signature: &'a str,
}

/// `ACS3-HMAC-SHA256 Credential=…,SignedHeaders=a;b,Signature=…`; spaces are tolerated, each part stands once.
pub fn authorization(text: &str) -> Option<Authorization<'_>> {
    let rest = text.trim().strip_prefix(V3_SCHEME)?;
    if !rest.starts_with([' ', '\t']) {
        return None;
    }
    let (mut key_id, mut signed, mut signature) = (None, None, None);
    for part in rest.split(',') {
        let (name, value) = part.trim().split_once('=')?;
        let slot = match name.trim() {
            "Credential" => &mut key_id,
            "SignedHeaders" => &mut signed,
            "Signature" => &mut signature,
            _ => return None,
        };
        if slot.replace(value.trim()).is_some() {
            return None;
        }
    }
    let signed = signed?.split(';').map(str::trim).collect();
    Some(Authorization { key_id: key_id?, signed, signature: signature? })
}

/// The canonical form of a request under signature V3, and what is signed of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct V3 {
    /// Method, path, query, headers and the body's hash. Header values need not be UTF-8.
    pub canonical: Vec<u8>,
    /// The scheme and the hash of `canonical`.
    pub to_sign: String,
}

impl V3 {
    /// `query` is decoded; `headers` are all that came, `signed` names those that count. Values that
    /// came more than once are sorted and joined by commas.
    pub fn new(method: &str, query: &Form, headers: &[(String, Vec<u8>)], signed: &[&str], body: &[u8]) -> V3 {
        let mut names: Vec<String> = signed.iter().map(|name| name.to_ascii_lowercase()).collect();
        let listed = names.join(";");
        names.sort();
        names.dedup();
        let mut out = format!("{method}\n/\n{}\n", canonical(query)).into_bytes();
        for name in &names {
            let mut values: Vec<&[u8]> = headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim_ascii()).collect();
            values.sort();
            out.extend_from_slice(name.as_bytes());
            out.push(b':');
            out.extend_from_slice(&values.join(&b','));
            out.push(b'\n');
        }
        out.extend_from_slice(format!("\n{listed}\n{}", sha256_hex(body)).as_bytes());
        let to_sign = format!("{V3_SCHEME}\n{}", sha256_hex(&out));
        V3 { canonical: out, to_sign }
    }

    /// Lower-case hex.
    pub fn sign(&self, secret: &str) -> String {
        hex(&self.mac(secret).finalize().into_bytes())
    }

    /// Hex digits in either case.
    pub fn check(&self, secret: &str, signature: &str) -> bool {
        unhex(signature).is_some_and(|bytes| self.mac(secret).verify_slice(&bytes).is_ok())
    }

    fn mac(&self, secret: &str) -> Hmac<Sha256> {
        Hmac::new_from_slice(secret.as_bytes()).expect("a key of any length").chain_update(self.to_sign.as_bytes())
    }
}

/// The header that carries a V3 signature.
pub fn authorization_text(key_id: &str, signed: &[&str], signature: &str) -> String {
    format!("{V3_SCHEME} Credential={key_id},SignedHeaders={},Signature={signature}", signed.join(";"))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect();
    let digits = digits.filter(|d| d.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// `SignatureMethod` of a 1.0 request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum V1Method {
    HmacSha1,
    HmacSha256,
}

impl V1Method {
    pub fn parse(text: &str) -> Option<V1Method> {
        [V1Method::HmacSha1, V1Method::HmacSha256].into_iter().find(|method| method.name() == text)
    }

    pub fn name(self) -> &'static str {
        match self {
            V1Method::HmacSha1 => "HMAC-SHA1",
            V1Method::HmacSha256 => "HMAC-SHA256",
        }
    }
}

/// What a 1.0 request signs: all parameters but `Signature`, those of a form body included.
pub fn v1_to_sign(method: &str, params: &Form) -> String {
    let signed = params.iter().filter(|(name, _)| *name != "Signature");
    format!("{method}&%2F&{}", encode(&canonical(signed)))
}

/// Base64.
pub fn v1_sign(how: V1Method, secret: &str, to_sign: &str) -> String {
    let key = format!("{secret}&");
    match how {
        V1Method::HmacSha1 => STANDARD.encode(mac::<Hmac<Sha1>>(&key, to_sign).finalize().into_bytes()),
        V1Method::HmacSha256 => STANDARD.encode(mac::<Hmac<Sha256>>(&key, to_sign).finalize().into_bytes()),
    }
}

pub fn v1_check(how: V1Method, secret: &str, to_sign: &str, signature: &str) -> bool {
    let Ok(bytes) = STANDARD.decode(signature) else { return false };
    let key = format!("{secret}&");
    match how {
        V1Method::HmacSha1 => mac::<Hmac<Sha1>>(&key, to_sign).verify_slice(&bytes).is_ok(),
        V1Method::HmacSha256 => mac::<Hmac<Sha256>>(&key, to_sign).verify_slice(&bytes).is_ok(),
    }
}

fn mac<M: Mac + KeyInit>(key: &str, text: &str) -> M {
    <M as KeyInit>::new_from_slice(key.as_bytes()).expect("a key of any length").chain_update(text.as_bytes())
}

/// `Ali-Live-Signature`: `host` is the domain of the callback URL, `timestamp` the text of `Ali-Live-Timestamp`.
pub fn live_callback(host: &str, timestamp: &str, app_key: &str) -> String {
    sha256_hex(format!("{host}|{timestamp}|{app_key}").as_bytes())
}

/// `Ali-Rtc-Signature`, likewise.
pub fn rtc_callback(host: &str, timestamp: &str, app_key: &str) -> String {
    hex(&Md5::digest(format!("{host}|{timestamp}|{app_key}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form;

    const SECRET: &str = "testAccessKeySecret";

    /// `tests/wire/alibaba/signatures.json`: the vectors of `alibaba.md` §1.1, §1.2 and §1.4.
    #[derive(serde::Deserialize)]
    struct Vector {
        name: String,
        method: String,
        query: String,
        #[serde(default)]
        headers: Vec<(String, String)>,
        signed: Option<String>,
        to_sign: Option<String>,
        canonical_sha256: Option<String>,
        signature: String,
    }

    #[test]
    fn documented_and_captured_requests() {
        let vectors: Vec<Vector> = serde_json::from_str(include_str!("../../tests/wire/alibaba/signatures.json")).unwrap();
        assert!(vectors.len() >= 6);
        for v in vectors {
            let mut params = Form::new();
            form::read(&mut params, v.query.as_bytes()).unwrap();
            let to_sign = match &v.signed {
                Some(signed) => {
                    let headers: Vec<_> = v.headers.iter().map(|(n, v)| (n.clone(), v.clone().into_bytes())).collect();
                    let v3 = V3::new(&v.method, &params, &headers, &signed.split(';').collect::<Vec<_>>(), b"");
                    if let Some(hash) = v.canonical_sha256 {
                        assert_eq!(sha256_hex(&v3.canonical), hash, "{}", v.name);
                    }
                    assert_eq!(v3.sign(SECRET), v.signature, "{}", v.name);
                    assert!(v3.check(SECRET, &v.signature), "{}", v.name);
                    assert!(!v3.check("other", &v.signature), "{}", v.name);
                    v3.to_sign
                }
                None => {
                    let to_sign = v1_to_sign(&v.method, &params);
                    assert_eq!(v1_sign(V1Method::HmacSha1, SECRET, &to_sign), v.signature, "{}", v.name);
                    assert!(v1_check(V1Method::HmacSha1, SECRET, &to_sign, &v.signature), "{}", v.name);
                    assert!(!v1_check(V1Method::HmacSha256, SECRET, &to_sign, &v.signature), "{}", v.name);
                    to_sign
                }
            };
            if let Some(expected) = v.to_sign {
                assert_eq!(to_sign, expected, "{}", v.name);
            }
        }
    }

    #[test]
    fn the_other_method_of_signature_1_0() {
        let signature = v1_sign(V1Method::HmacSha256, SECRET, "POST&%2F&a%3D1");
        assert!(v1_check(V1Method::HmacSha256, SECRET, "POST&%2F&a%3D1", &signature));
        assert!(!v1_check(V1Method::HmacSha256, SECRET, "POST&%2F&a%3D2", &signature));
        assert!(!v1_check(V1Method::HmacSha256, SECRET, "POST&%2F&a%3D1", "???"));
    }

    #[test]
    fn a_signature_must_be_whole() {
        let v3 = V3::new("GET", &Form::new(), &[], &[], b"");
        let good = v3.sign(SECRET);
        for (signature, expected) in
            [(good.as_str(), true), (&good.to_uppercase(), true), (&good[..62], false), (&good[..63], false), ("", false), ("zz", false)]
        {
            assert_eq!(v3.check(SECRET, signature), expected, "{signature}");
        }
    }

    #[test]
    fn duplicate_headers_are_sorted_and_joined() {
        let headers = [("X-B".to_string(), b" 2 ".to_vec()), ("x-b".to_string(), b"1".to_vec()), ("x-a".to_string(), b"a".to_vec())];
        let v3 = V3::new("GET", &Form::new(), &headers, &["x-b", "X-A"], b"");
        assert!(String::from_utf8(v3.canonical).unwrap().starts_with("GET\n/\n\nx-a:a\nx-b:1,2\n\nx-b;x-a\n"));
    }

    #[test]
    fn authorizations() {
        let good = Authorization { key_id: "K", signed: vec!["host", "x-acs-date"], signature: "ab" };
        for (text, expected) in [
            ("ACS3-HMAC-SHA256 Credential=K,SignedHeaders=host;x-acs-date,Signature=ab", Some(&good)),
            ("ACS3-HMAC-SHA256  Credential=K, SignedHeaders=host;x-acs-date , Signature = ab ", Some(&good)),
            ("ACS3-HMAC-SHA256 Credential=K,SignedHeaders=host;x-acs-date", None),
            ("ACS3-HMAC-SHA256 Credential=K,SignedHeaders=host,Signature=ab,Signature=cd", None),
            ("ACS3-HMAC-SHA256Credential=K,SignedHeaders=host,Signature=ab", None),
            ("ACS3-HMAC-SM3 Credential=K,SignedHeaders=host,Signature=ab", None),
            ("ACS3-HMAC-SHA256 ", None),
            ("Bearer x", None),
            ("", None),
        ] {
            assert_eq!(authorization(text).as_ref(), expected, "{text}");
        }
        assert_eq!(authorization(&authorization_text("K", &good.signed, "ab")), Some(good));
    }

    #[test]
    fn callback_signatures() {
        let live = "4fbe9ce9d993db5369ba26ebe83641e54a8c96dd49aa5bd0d96b864fbf59756c";
        assert_eq!(live_callback("cb.example.com", "1700000000", "abckey"), live);
        let rtc = "0581ab213b746c12dd8e76af78a900b6";
        assert_eq!(rtc_callback("cb.example.com", "1700000000", "abckey"), rtc);
    }
}
