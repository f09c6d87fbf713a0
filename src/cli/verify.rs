//! `roomd verify`: shows how a signature, a login, a channel token or a UserSig is made, step by step, and says
//! whether the one given is right. Needs no server; what it knows is in the dialects.

use super::{Failure, clock, input, print};
use crate::{
    alibaba::explain::{self, Kind},
    explanation::Explanation,
    tencent,
};
use argh::FromArgs;

/// Explain a signature: of a callback, a login, a channel token, a request or a UserSig.
///
/// Exits 0 if it is valid, 1 if it is not, 2 on bad use.
#[derive(FromArgs)]
#[argh(subcommand, name = "verify")]
pub struct Verify {
    #[argh(subcommand)]
    what: What,
}

#[derive(FromArgs)]
#[argh(subcommand)]
enum What {
    Callback(Callback),
    Login(Login),
    Channel(Channel),
    Request(Request),
    Usersig(Usersig),
    Webhook(Webhook),
}

/// How a callback's signature is made, and whether the one you got is right.
#[derive(FromArgs)]
#[argh(subcommand, name = "callback")]
struct Callback {
    /// domain of the callback URL; a whole URL is fine
    #[argh(option)]
    host: String,

    /// value of the timestamp header
    #[argh(option)]
    timestamp: String,

    /// the AppKey
    #[argh(option)]
    key: String,

    /// value of the signature header; without it the right one is printed
    #[argh(option)]
    signature: Option<String>,

    /// live (messaging events, the default) or rtc (subscribed channel events)
    #[argh(option, default = "\"live\".into()")]
    kind: String,
}

/// Whether a login is valid, wrong or expired, and what its token hashes.
#[derive(FromArgs)]
#[argh(subcommand, name = "login")]
struct Login {
    /// the login JSON or its base64 (default: read from standard input)
    #[argh(option)]
    login: Option<String>,

    /// the AppKey
    #[argh(option)]
    key: String,
}

/// Whether the join token of an RTC channel is valid, wrong or expired, and what it hashes.
#[derive(FromArgs)]
#[argh(subcommand, name = "channel")]
struct Channel {
    /// the token JSON or its base64 (default: read from standard input)
    #[argh(option)]
    token: Option<String>,

    /// the AppKey
    #[argh(option)]
    key: String,
}

/// The canonical form of a captured request, its string to sign, and whether its signature is right.
#[derive(FromArgs)]
#[argh(subcommand, name = "request")]
struct Request {
    /// file with the raw HTTP request as it was sent; - is standard input
    #[argh(option)]
    request: String,

    /// the AccessKeySecret
    #[argh(option)]
    secret: String,
}

/// What is in a UserSig, and whether it is valid, wrong or expired.
#[derive(FromArgs)]
#[argh(subcommand, name = "usersig")]
struct Usersig {
    /// the UserSig (default: read from standard input)
    #[argh(option)]
    usersig: Option<String>,

    /// the AppKey
    #[argh(option)]
    key: String,

    /// the SDKAppID for which it must be; any when left out
    #[argh(option, arg_name = "number")]
    sdkappid: Option<u32>,

    /// user of whom it must be; anyone when left out
    #[argh(option, arg_name = "id")]
    user: Option<String>,
}

/// How the signature in the URL of a webhook of Tencent's is made, and whether it is right.
#[derive(FromArgs)]
#[argh(subcommand, name = "webhook")]
struct Webhook {
    /// the token (set_callback_token, or roomd app webhooks)
    #[argh(option)]
    token: String,

    /// the URL that was called; its path and query alone will do
    #[argh(positional)]
    url: String,
}

impl Verify {
    pub fn run(self) -> Result<(), Failure> {
        let Explanation { good, text } = match self.what {
            What::Callback(it) => it.explain(),
            What::Login(it) => it.explain(),
            What::Channel(it) => it.explain(),
            What::Request(it) => it.explain(),
            What::Usersig(it) => it.explain(),
            What::Webhook(it) => it.explain(),
        }?;
        print(text.trim_end());
        if good { Ok(()) } else { Err(Failure::No) }
    }
}

impl Callback {
    fn explain(&self) -> Result<Explanation, Failure> {
        let kind = Kind::parse(&self.kind).ok_or_else(|| Failure::Use(format!("--kind {} is not known; give live or rtc", self.kind)))?;
        Ok(explain::callback(kind, &self.host, &self.timestamp, &self.key, self.signature.as_deref()))
    }
}

impl Login {
    fn explain(&self) -> Result<Explanation, Failure> {
        Ok(explain::login(&given(&self.login, "the login JSON")?, &self.key, clock()?.now()))
    }
}

impl Channel {
    fn explain(&self) -> Result<Explanation, Failure> {
        Ok(explain::channel(&given(&self.token, "the token JSON")?, &self.key, clock()?.now()))
    }
}

impl Request {
    fn explain(&self) -> Result<Explanation, Failure> {
        let raw = input(&self.request)?;
        let captured = parse(&raw)?;
        Ok(explain::request(&captured.method, &captured.target, &captured.headers, &captured.body, &self.secret))
    }
}

impl Usersig {
    fn explain(&self) -> Result<Explanation, Failure> {
        let text = given(&self.usersig, "the UserSig")?;
        Ok(tencent::explain::usersig(&text, &self.key, self.sdkappid, self.user.as_deref(), clock()?.now()))
    }
}

impl Webhook {
    fn explain(&self) -> Result<Explanation, Failure> {
        Ok(tencent::received::explain(&self.url, &self.token, clock()?.now()))
    }
}

/// What was typed, or else what standard input has.
fn given(typed: &Option<String>, what: &str) -> Result<String, Failure> {
    match typed {
        Some(text) => Ok(text.clone()),
        None => String::from_utf8(input("-")?).map_err(|_| Failure::Use(format!("standard input is not text; give {what}"))),
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Captured {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// A raw request. One that was pasted into a file has line ends without \r, and perhaps none at its end.
fn parse(raw: &[u8]) -> Result<Captured, Failure> {
    let mut whole = raw.trim_ascii_start().to_vec();
    let ends = |bytes: &[u8]| bytes.windows(4).any(|w| w == b"\r\n\r\n") || bytes.windows(2).any(|w| w == b"\n\n");
    if !ends(&whole) {
        whole.truncate(whole.trim_ascii_end().len());
        whole.extend_from_slice(b"\r\n\r\n");
    }
    let mut headers = [httparse::EMPTY_HEADER; 128];
    let mut request = httparse::Request::new(&mut headers);
    let head = match request.parse(&whole) {
        Ok(httparse::Status::Complete(head)) => head,
        _ => return Err(Failure::Use("this is not a raw HTTP request; it begins like: POST /?AppId=demo HTTP/1.1".into())),
    };
    let headers = request.headers.iter().map(|h| (h.name.to_owned(), h.value.to_vec())).collect();
    Ok(Captured { method: request.method.unwrap_or_default().into(), target: request.path.unwrap_or_default().into(), headers, body: whole[head..].to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captured_requests() {
        let expected =
            |body: &[u8]| Captured { method: "POST".into(), target: "/?a=1".into(), headers: vec![("Host".into(), "h:1".into())], body: body.into() };
        for (raw, body) in [
            ("POST /?a=1 HTTP/1.1\r\nHost: h:1\r\n\r\nx=1", &b"x=1"[..]),
            ("POST /?a=1 HTTP/1.1\nHost: h:1\n\n", b""),
            ("\nPOST /?a=1 HTTP/1.1\nHost: h:1\n", b""),
            ("POST /?a=1 HTTP/1.1\nHost: h:1", b""),
        ] {
            assert_eq!(parse(raw.as_bytes()).unwrap(), expected(body), "{raw:?}");
        }
        for bad in ["", "hello", "POST", "\u{0}"] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn exit_codes() {
        for (args, code) in [
            (&["callback", "--host", "h", "--timestamp", "1", "--key", "k"][..], 0),
            (&["callback", "--host", "h", "--timestamp", "1", "--key", "k", "--signature", "00"], 1),
            (&["callback", "--host", "h", "--timestamp", "1", "--key", "k", "--kind", "x"], 2),
            (&["login", "--key", "k", "--login", "{}"], 1),
            (&["channel", "--key", "k", "--token", "{}"], 1),
            (&["webhook", "--token", "xxxxyyyy", "/?Sign=17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061&RequestTime=1669872112"], 0),
            (&["webhook", "--token", "k", "/"], 1),
            (&["webhook", "--token", "k"], 2),
            (&["request", "--request", "/nowhere/at/all", "--secret", "s"], 2),
            (&["usersig", "--key", "k", "--usersig", "!!"], 1),
            (&["usersig", "--key", "k", "--usersig", "!!", "--sdkappid", "-1"], 2),
        ] {
            let args = ["roomd", "verify"].iter().chain(args);
            assert_eq!(crate::cli::run(args.clone().map(Into::into)), code, "{args:?}");
        }
    }
}
