//! Threads: many at once, few when idle, none stuck at the end.

use super::*;
use crate::{
    clock::Clock,
    delivery::{
        Patience, Target,
        sender::tests::{allow, job},
    },
    domain::{AppId, outbox::DeliveryId},
};
use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::mpsc,
    time::{Duration, Instant},
};

fn dispatcher(url: String, clock: &Clock) -> (Dispatcher, mpsc::Receiver<Outcome>) {
    let (hand, handed) = mpsc::channel();
    let target = move |_: &_| {
        let (url, called) = (url.clone(), url.clone());
        Some(Target { url, called, headers: Vec::new(), patience: Patience::default(), any_port: false, success: |status, _| status == 200 })
    };
    let outcome = move |outcome| hand.send(outcome).unwrap();
    let config = Config { outcome: Arc::new(outcome), target: Arc::new(target), allow: allow(), clock: clock.clone(), stop: Duration::from_millis(200) };
    (Dispatcher::start(config).unwrap(), handed)
}

/// Answers each request on a thread of its own, after `wait`.
fn server(wait: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                std::thread::sleep(wait);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            });
        }
    });
    url
}

/// Jobs of as many endpoints.
fn send(dispatcher: &Dispatcher, n: usize) {
    for n in 0..n {
        let endpoint = EndpointId::LiveEvents(AppId::trusted(&format!("app{n}")));
        dispatcher.send(Job { delivery: DeliveryId(format!("d{n}").into()), endpoint, ..job() });
    }
}

#[test]
fn endpoints_that_hang_leave_threads_to_the_others() {
    let (dispatcher, handed) = dispatcher(server(Duration::from_secs(4)), &Clock::real().unwrap());
    for n in 0..SIZE.threads + 10 {
        dispatcher.send(Job { delivery: DeliveryId(format!("d{n}").into()), ..job() });
    }
    let began = Instant::now();
    while dispatcher.pool.counts().0 < SIZE.crowded {
        assert!(began.elapsed() < Duration::from_secs(3));
        std::thread::yield_now();
    }
    assert_eq!(dispatcher.pool.counts().0, SIZE.crowded);
    send(&dispatcher, 5);
    while dispatcher.pool.counts().0 < SIZE.crowded + 5 {
        assert!(began.elapsed() < Duration::from_secs(3));
        std::thread::yield_now();
    }
    dispatcher.stop();
    assert_eq!(handed.try_iter().count(), SIZE.crowded + 5);
}

#[test]
fn each_job_has_one_outcome_and_idle_threads_end() {
    let (dispatcher, handed) = dispatcher(server(Duration::from_millis(100)), &Clock::real().unwrap());
    send(&dispatcher, 100);
    let mut ids: Vec<_> = (0..100).map(|_| handed.recv_timeout(Duration::from_secs(20)).unwrap()).map(|o| (o.delivery.to_string(), o.end)).collect();
    ids.sort_by(|a, b| a.0.cmp(&b.0));
    ids.dedup();
    assert_eq!(ids.len(), 100);
    assert!(ids.iter().all(|(_, end)| *end == TryEnd::Delivered));
    let began = Instant::now();
    while dispatcher.pool.counts().1 > SIZE.idle {
        assert!(began.elapsed() < Duration::from_secs(5));
        std::thread::yield_now();
    }
    assert!(dispatcher.pool.counts().2 <= SIZE.threads + SIZE.idle);
    dispatcher.stop();
    assert!(handed.try_recv().is_err());
}

#[test]
fn a_virtual_clock_waits_for_the_outcome() {
    let clock = Clock::standing();
    let (dispatcher, handed) = dispatcher(server(Duration::from_millis(100)), &clock);
    send(&dispatcher, 3);
    clock.advance(1).unwrap();
    assert_eq!(handed.try_iter().count(), 3);
}

#[test]
fn stop_cuts_off_what_takes_too_long_and_blames_nobody() {
    let (dispatcher, handed) = dispatcher(server(Duration::from_secs(4)), &Clock::real().unwrap());
    send(&dispatcher, SIZE.threads + 10);
    let began = Instant::now();
    while dispatcher.pool.counts().0 < SIZE.threads {
        assert!(began.elapsed() < Duration::from_secs(3));
        std::thread::yield_now();
    }
    dispatcher.stop();
    assert!(began.elapsed() < Duration::from_millis(3500), "{:?}", began.elapsed());
    let outcomes: Vec<_> = handed.try_iter().collect();
    assert_eq!(outcomes.len(), SIZE.threads, "what waited is left to the next start");
    assert!(outcomes.iter().all(|o| o.end == TryEnd::NotSpent), "{outcomes:?}");
    // Late jobs are not sent; they are in the store.
    send(&dispatcher, 1);
    assert!(handed.try_recv().is_err());
}
