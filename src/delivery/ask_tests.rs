//! Questions to raw servers: each has one verdict, in its time, whatever the server does.

use super::*;
use crate::{
    delivery::sender::tests::allow,
    domain::{
        endpoint::EndpointId,
        hook::{HookCall, HookKind},
        moderation::About,
    },
};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::Instant,
};

/// Long enough for a loaded machine to answer, short enough to wait for.
const BUDGET: u64 = 1500;

type Handed = mpsc::Receiver<(QuestionId, Verdict)>;

/// An asker whose application `x` is answered at the URL that stands under its name; its hooks at that of `x hooks`.
fn asker(urls: &[(&str, &str)], clock: &Clock) -> (Asker, Handed) {
    let (hand, handed) = mpsc::channel();
    let urls: Vec<(String, String)> = urls.iter().map(|(app, url)| (app.to_string(), url.to_string())).collect();
    let target = move |question: &Question| {
        let (name, body, read): (_, Vec<u8>, Reading) = match &question.about {
            About::Text(text) => (question.app.to_string(), text.clone().into(), Box::new(read)),
            About::Hook(call) => (format!("{} hooks", question.app), call.body.clone(), Box::new(read_hook)),
        };
        let (_, url) = urls.iter().find(|(app, _)| *app == name)?;
        assert!(!url.is_empty(), "a defect while the target is looked up");
        let headers = vec![("Content-Type".into(), "application/json".into()), ("X-Sign".into(), "s".into())];
        Some(Target { url: url.clone(), headers, body, any_port: false, read })
    };
    let verdict = move |id, verdict| hand.send((id, verdict)).unwrap();
    let config = Config { verdict: Arc::new(verdict), target: Arc::new(target), allow: allow(), clock: clock.clone() };
    (Asker::start(config).unwrap(), handed)
}

fn read(status: u16, answer: &[u8]) -> Verdict {
    match (status, answer) {
        (200, b"yes") => Verdict::Passed,
        (200, b"panic") => panic!("a defect while the answer is read"),
        (200, answer) => Verdict::Refused(String::from_utf8_lossy(answer).into()),
        _ => Verdict::LetThrough,
    }
}

fn read_hook(status: u16, answer: &[u8]) -> Verdict {
    Verdict::Hook(match (status, answer) {
        (200, b"yes") => proceed(),
        (200, b"panic") => panic!("a defect while the answer is read"),
        (200, b"drop") => HookAnswer::Discard,
        _ => HookAnswer::NoAnswer,
    })
}

fn proceed() -> HookAnswer {
    HookAnswer::Proceed { rewritten: Rewritten::default(), without: Vec::new() }
}

fn question(id: QuestionId, app: &str, clock: &Clock, budget: u64) -> Question {
    Question { id, app: AppId::trusted(app), about: About::Text("is it so?".into()), until: clock.tick().after(budget), asked: Arc::default() }
}

/// The same about something that is to be done.
fn hook(id: QuestionId, app: &str, clock: &Clock, budget: u64) -> Question {
    let call = HookCall { endpoint: EndpointId::LiveRooms(AppId::trusted(app)), query: String::new(), body: b"is it so?".into(), kind: HookKind::Message };
    Question { about: About::Hook(Box::new(call)), ..question(id, app, clock, budget) }
}

/// Reads a question on each connection and then does as told. Gives its URL and the questions.
fn server(act: impl Fn(TcpStream) + Send + Clone + 'static) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/audit?x=1", listener.local_addr().unwrap());
    let (seen, saw) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, act, seen) = (stream.unwrap(), act.clone(), seen.clone());
            std::thread::spawn(move || {
                let (mut request, mut buf) = (String::new(), [0; 4096]);
                while !request.ends_with("is it so?") {
                    match stream.read(&mut buf) {
                        Ok(n) if n > 0 => request.push_str(std::str::from_utf8(&buf[..n]).unwrap()),
                        _ => return,
                    }
                }
                // Not every test looks.
                let _ = seen.send(request);
                act(stream);
            });
        }
    });
    (url, saw)
}

fn says(bytes: &[u8]) -> impl Fn(TcpStream) + Send + Clone + 'static {
    let bytes = bytes.to_vec();
    move |mut stream| {
        let _ = stream.write_all(&bytes);
    }
}

/// Says nothing until the asker goes away.
fn hangs(mut stream: TcpStream) {
    let _ = stream.read(&mut [0; 1]);
}

fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// The verdict of the next question, and what was asked before it.
fn next(handed: &Handed) -> (QuestionId, Verdict) {
    handed.recv_timeout(Duration::from_secs(20)).unwrap()
}

#[test]
fn a_question_is_a_signed_post_and_no_delivery() {
    let (url, saw) = server(says(&ok("yes")));
    let clock = Clock::real().unwrap();
    let (asker, handed) = asker(&[("a", &url)], &clock);
    asker.ask(question(7, "a", &clock, BUDGET));
    assert_eq!(next(&handed), (7, Verdict::Passed));
    let request = saw.recv().unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST /audit?x=1 HTTP/1.1"));
    let mut lines: Vec<String> = lines.map(str::to_ascii_lowercase).collect();
    lines.sort();
    let host = url.strip_prefix("http://").unwrap().split_once('/').unwrap().0;
    let expected = [
        "accept: */*".into(),
        "connection: close".into(),
        "content-length: 9".into(),
        "content-type: application/json".into(),
        format!("host: {host}"),
        format!("user-agent: roomd/{}", env!("CARGO_PKG_VERSION")),
        "x-sign: s".into(),
    ];
    assert_eq!(lines, expected);
    assert_eq!(body, "is it so?");
}

#[test]
fn answers() {
    let refused = |why: &str| Verdict::Refused(why.into());
    let elsewhere = server(says(&ok("yes"))).0;
    let redirect = format!("HTTP/1.1 307 Go\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\n\r\n");
    let long = ok(&"x".repeat(200_000));
    let hook_answer = Verdict::Hook;
    let none = || hook_answer(HookAnswer::NoAnswer);
    for (name, bytes, expected, of_a_hook) in [
        ("pass", ok("yes"), Verdict::Passed, hook_answer(proceed())),
        ("refuse", ok("drop"), refused("drop"), hook_answer(HookAnswer::Discard)),
        ("an empty answer", ok(""), refused(""), none()),
        ("a long answer is none: half of it could say the opposite", long, Verdict::LetThrough, none()),
        ("500", b"HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\nyes".to_vec(), Verdict::LetThrough, none()),
        ("204", b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(), Verdict::LetThrough, none()),
        ("a redirect is not followed", redirect.into_bytes(), Verdict::LetThrough, none()),
        ("garbage", b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec(), Verdict::NoAnswer, none()),
        ("half a body", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nno".to_vec(), Verdict::NoAnswer, none()),
        ("closed", Vec::new(), Verdict::NoAnswer, none()),
        ("our own defect", ok("panic"), Verdict::NoAnswer, none()),
    ] {
        let clock = Clock::real().unwrap();
        let url = server(says(&bytes)).0;
        let (asker, handed) = asker(&[("a", &url), ("a hooks", &url)], &clock);
        asker.ask(question(1, "a", &clock, BUDGET));
        assert_eq!(next(&handed), (1, expected), "{name}");
        asker.ask(hook(2, "a", &clock, BUDGET));
        assert_eq!(next(&handed), (2, of_a_hook), "{name}, of a hook");
        asker.stop();
        assert!(handed.try_recv().is_err(), "{name}: one verdict each");
    }
}

#[test]
fn whom_nobody_can_ask() {
    let clock = Clock::real().unwrap();
    let (asker, handed) = asker(&[("refuses", "http://127.0.0.1:1/"), ("no url", "ftp://a/"), ("defect", "")], &clock);
    for (app, expected) in [("refuses", Verdict::NoAnswer), ("no url", Verdict::NoAnswer), ("defect", Verdict::NoAnswer), ("audit is off", Verdict::Passed)] {
        asker.ask(question(1, app, &clock, BUDGET));
        assert_eq!(next(&handed), (1, expected), "{app}");
    }
    asker.ask(hook(2, "the webhook is off", &clock, BUDGET));
    assert_eq!(next(&handed), (2, Verdict::Hook(proceed())));
}

#[test]
fn a_server_that_takes_its_time_is_left_when_the_question_is_over() {
    let drips = |mut stream: TcpStream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        while stream.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    let clock = Clock::real().unwrap();
    for (name, url) in [("hangs", server(hangs).0), ("drips", server(drips).0)] {
        let (asker, handed) = asker(&[("a", &url)], &clock);
        for budget in [300, 900] {
            let began = Instant::now();
            asker.ask(question(budget, "a", &clock, budget));
            assert_eq!(next(&handed), (budget, Verdict::NoAnswer), "{name}");
            let took = began.elapsed().as_millis() as u64;
            assert!((budget - 50..budget + 2000).contains(&took), "{name}: {took} of {budget} ms");
        }
    }
}

#[test]
fn a_question_whose_time_is_over_is_not_sent() {
    let clock = Clock::standing();
    let (url, saw) = server(says(&ok("yes")));
    let (asker, handed) = asker(&[("a", &url)], &clock);
    asker.ask(question(1, "a", &clock, 0));
    clock.advance(1).unwrap();
    assert!(handed.try_recv().is_err(), "who waited for it has given it up");
    asker.ask(question(2, "a", &clock, BUDGET));
    clock.advance(1).unwrap();
    assert_eq!(handed.try_recv(), Ok((2, Verdict::Passed)));
    assert_eq!(saw.try_iter().count(), 1);
}

#[test]
fn a_server_that_hangs_holds_up_no_other_application() {
    let clock = Clock::real().unwrap();
    let (hanging, saw) = server(hangs);
    let (asker, handed) = asker(&[("a", &hanging), ("b", &server(says(&ok("yes"))).0)], &clock);
    let asked = SHARE as u64 + 10;
    for id in 0..asked {
        asker.ask(question(id, "a", &clock, 3000));
    }
    // So many hang, and the others wait for them.
    for _ in 0..SHARE {
        saw.recv_timeout(Duration::from_secs(3)).unwrap();
    }
    for id in 100..110 {
        asker.ask(question(id, "b", &clock, 3000));
        assert_eq!(next(&handed), (id, Verdict::Passed), "before any that hangs");
    }
    let mut ids: Vec<_> = (0..SHARE).map(|_| next(&handed)).collect();
    ids.sort_unstable_by_key(|(id, _)| *id);
    assert_eq!(ids, (0..SHARE as u64).map(|id| (id, Verdict::NoAnswer)).collect::<Vec<_>>());
    // Of a silent one, few are asked at once.
    for id in 200..200 + SHARE as u64 {
        asker.ask(question(id, "a", &clock, 3000));
    }
    for _ in 0..SHARE_OF_SILENT {
        saw.recv_timeout(Duration::from_secs(3)).unwrap();
    }
    let more = saw.recv_timeout(Duration::from_millis(300));
    assert!(more.is_err(), "neither more than its share, nor those that waited too long");
}

#[test]
fn hooks_that_hang_do_not_hold_up_their_own_application_s_moderation() {
    let clock = Clock::real().unwrap();
    let (hanging, saw) = server(hangs);
    let (asker, handed) = asker(&[("a hooks", &hanging), ("a", &server(says(&ok("yes"))).0)], &clock);
    let silent = || Verdict::Hook(HookAnswer::NoAnswer);
    for round in 0..2 {
        for id in 0..SHARE as u64 {
            asker.ask(hook(id, "a", &clock, 700));
        }
        for _ in 0..if round == 0 { SHARE } else { SHARE_OF_SILENT } {
            saw.recv_timeout(Duration::from_secs(3)).unwrap();
        }
        for id in 100..100 + SHARE as u64 + 1 {
            asker.ask(question(id, "a", &clock, 3000));
        }
        let mut passed: Vec<_> = (0..SHARE + 1).map(|_| next(&handed)).collect();
        passed.sort_unstable_by_key(|(id, _)| *id);
        assert!(passed.iter().all(|(_, verdict)| *verdict == Verdict::Passed), "before any that hangs: {passed:?}");
        for _ in 0..if round == 0 { SHARE } else { SHARE_OF_SILENT } {
            assert_eq!(next(&handed).1, silent());
        }
    }
}

#[test]
fn a_stop_lets_nothing_through() {
    let clock = Clock::real().unwrap();
    let (url, saw) = server(hangs);
    let (asker, handed) = asker(&[("a", &url)], &clock);
    for id in 0..SIZE.threads as u64 {
        asker.ask(question(id, "a", &clock, 60_000));
    }
    for _ in 0..SHARE {
        saw.recv_timeout(Duration::from_secs(10)).unwrap();
    }
    let began = Instant::now();
    asker.stop();
    assert!(began.elapsed() < STOP + Duration::from_secs(2), "{:?}", began.elapsed());
    // A late one is not asked either.
    asker.ask(question(99, "a", &clock, 60_000));
    assert_eq!(handed.try_iter().collect::<Vec<_>>(), [], "neither what waited nor what hung");
}
