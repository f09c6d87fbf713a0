//! `roomd listen`: a receiver of callbacks that says in words what each one tells, and whether it
//! was signed by whom it should be.

use super::{Failure, clock, print};
use crate::{
    alibaba::explain,
    domain::{Millis, time::Utc},
    receiver::{Callback, Keys, Receiver, Verdict},
    server,
    tencent::received,
};
use argh::FromArgs;
use std::{
    fmt::Write,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

/// Receive callbacks, check their signatures and print what they say.
///
/// Point the callback URL of an application here. Exits 0 on Ctrl-C.
#[derive(FromArgs)]
#[argh(subcommand, name = "listen")]
pub struct Listen {
    /// port to listen on (8782)
    #[argh(option, default = "8782")]
    port: u16,

    /// address to listen on (127.0.0.1); 0.0.0.0 takes callbacks from other machines
    #[argh(option, default = "Ipv4Addr::LOCALHOST.into()")]
    host: IpAddr,

    /// the AppKey that signs; give it again for more applications
    #[argh(option)]
    key: Vec<String>,

    /// the token that signs Tencent's webhooks (set_callback_token, or roomd app webhooks); give it again for more
    #[argh(option, arg_name = "token")]
    webhook_token: Vec<String>,

    /// status to answer with (200); anything else lets the sender try again
    #[argh(option, default = "200")]
    answer: u16,

    /// print each body as it came, too
    #[argh(switch)]
    raw: bool,
}

impl Listen {
    pub fn run(self) -> Result<(), Failure> {
        let (answer, raw, at) = (self.answer, self.raw, SocketAddr::from((self.host, self.port)));
        if !(200..=599).contains(&answer) {
            return Err(Failure::Use(format!("--answer {answer} is no final HTTP status; give one from 200 to 599")));
        }
        let on = move |callback: &Callback| {
            print(&report(callback, answer, raw));
            answer
        };
        let signal = server::StopSignal::register().map_err(Failure::Run)?;
        let receiver = Receiver::start(at, clock()?, Keys::new(self.key.iter().cloned(), self.webhook_token.iter().cloned()), Box::new(on))
            .map_err(|e| Failure::Run(format!("cannot listen on {at}: {e}; choose another address with --port or --host")))?;
        let checked = match (self.key.is_empty(), self.webhook_token.is_empty()) {
            (true, true) => "Signatures are not checked; give --key APPKEY, or --webhook-token TOKEN for Tencent's webhooks.",
            (true, false) => "Signatures of webhooks are checked; give --key APPKEY for other callbacks.",
            (false, true) => "Signatures are checked; give --webhook-token TOKEN for Tencent's webhooks.",
            (false, false) => "Signatures are checked.",
        };
        print(&format!("Waiting for callbacks at {}, answering {answer}. {checked} Ctrl-C ends.\n", receiver.url()));
        signal.wait();
        Ok(())
    }
}

/// A callback as it is printed: the verdict on a line, then a line for each event; without the last line end.
pub fn report(callback: &Callback, answered: u16, raw: bool) -> String {
    let verdict = match &callback.verdict {
        Verdict::Valid => "✓ signature valid".to_owned(),
        Verdict::Wrong(why) => format!("✗ signature wrong: {why}"),
        Verdict::Unsigned => "✗ not signed".to_owned(),
    };
    let delivery = callback.delivery.as_deref().map(|id| format!("  delivery {}", plain(id.get(..8).unwrap_or(id)))).unwrap_or_default();
    let mut text = format!("{}  {}{delivery}  answered {answered}\n", clock_time(callback.at), plain(&verdict));
    let words = if received::is_webhook(&callback.path) { received::in_words(&callback.body) } else { explain::callback_in_words(&callback.body) };
    let words = words.unwrap_or_else(|why| vec![why]);
    for line in words {
        let _ = writeln!(text, "{:10}{}", "", plain(&line));
    }
    if raw {
        let _ = writeln!(text, "{:10}{}", "", plain(&String::from_utf8_lossy(&callback.body)));
    }
    text.truncate(text.trim_end_matches('\n').len());
    text
}

/// What comes from outside must not steer the terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Time of day, UTC.
fn clock_time(at: Millis) -> String {
    let Utc { hour, minute, second, .. } = at.utc();
    format!("{hour:02}:{minute:02}:{second:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports() {
        let callback = |verdict, path: &str, body: &str| Callback {
            at: Millis(1_700_000_000_000),
            delivery: Some("0123456789abcdef".into()),
            path: path.into(),
            headers: Vec::new(),
            body: body.into(),
            verdict,
        };
        let eves = r#"{"eves":[{"uid":"u\u001b[2J","sid":"s","events":[{"e":1},{"e":3,"g":"g1"}]}]}"#;
        for (callback, raw, expected) in [
            (
                callback(Verdict::Valid, "/", eves),
                false,
                "22:13:20  ✓ signature valid  delivery 01234567  answered 200\n          u\u{fffd}[2J logged on (sid s)\n          u\u{fffd}[2J joined g1",
            ),
            (
                callback(Verdict::Wrong("other key".into()), "/", "{}"),
                true,
                "22:13:20  ✗ signature wrong: other key  delivery 01234567  answered 200\n          the body is none that is known here\n          {}",
            ),
            (
                callback(
                    Verdict::Valid,
                    "/?SdkAppid=1&CallbackCommand=x",
                    r#"{"CallbackCommand":"Live.CallbackAfterChangeOwner","RoomId":"r","CurrentOwner_Account":"b","OriginalOwner_Account":"a"}"#,
                ),
                false,
                "22:13:20  ✓ signature valid  delivery 01234567  answered 200\n          room r now has the owner b, before a",
            ),
        ] {
            assert_eq!(report(&callback, 200, raw), expected);
        }
    }
}
