"""A second, independent AMI client for one-shot questions: the `asterisk-ami` library behind explicit time limits.

It shares no code with the link, so that `callrouter doctor` is a second opinion. It blocks, for use in a thread of its
own. What is mended of the library: TLS (verified), partial sends, a silence that kills the reader, answers that are
waited for through a deprecated call, lists.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from contextlib import suppress
from hashlib import md5
from types import TracebackType
from typing import Self

from asterisk.ami import Action, AMIClient, Event, Response


class NoAnswer(Exception):
    """Nothing came in time, or the connection ended."""


class Refusal(Exception):
    """Asterisk said no; the text is its reason."""


class Checker(AMIClient):  # type: ignore[misc]  # untyped
    """`with Checker(...) as checker`: connected inside. Raises OSError, ssl.SSLError on entry."""

    def __init__(
        self, host: str, port: int, tls: ssl.SSLContext | None, timeout_s: float, server_name: str = ""
    ) -> None:
        """server_name: what the certificate names, when it is not the host."""
        super().__init__(address=host, port=port, timeout=timeout_s, buffer_size=1 << 16)
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()  # those that answer no question
        self._tls, self._server_name = tls, server_name or host
        self._answers: dict[str, queue.SimpleQueue[Response | Event | None]] = {}
        self._greeted = threading.Event()

    def __enter__(self) -> Self:
        raw = socket.create_connection((self._address, self._port), timeout=self._timeout)
        try:
            self._socket = self._tls.wrap_socket(raw, server_hostname=self._server_name) if self._tls else raw
        except BaseException:
            raw.close()
            raise
        self._socket.settimeout(None)  # a silent manager is no error; every question has its own limit
        self.finished = threading.Event()
        self._thread = threading.Thread(target=self.listen, name="doctor", daemon=True)
        self._thread.start()
        if not self._greeted.wait(self._timeout):
            self.__exit__(None, None, None)
            raise NoAnswer("no greeting came: is that Asterisk's manager port?")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.finished.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the reader
        self._thread.join(self._timeout)
        self._socket.close()

    @property
    def version(self) -> str:
        """Of the manager's protocol."""
        return str(self._ami_version)

    def login(self, user: str, secret: str) -> None:
        """By challenge, so that the secret stays here. Raises NoAnswer, Refusal."""
        challenge = self.ask("Challenge", AuthType="MD5").get("Challenge", "")
        key = md5((challenge + secret).encode()).hexdigest()  # noqa: S324  # what AMI speaks
        self.ask("Login", AuthType="MD5", Username=user, Key=key)

    def ask(self, name: str, **keys: str) -> dict[str, str]:
        """The fields of the answer. Raises NoAnswer, Refusal."""
        response = self._request(name, keys)[0]
        assert isinstance(response, Response)
        return dict(response.keys)

    def rows(self, name: str, **keys: str) -> list[dict[str, str]]:
        """The rows of a list. Raises NoAnswer, Refusal."""
        return [dict(event.keys) for event in self._request(name, keys, as_list=True)[1:]]

    def get(self, variable: str) -> str:
        """A global variable or a function; '' if there is none."""
        return self.ask("Getvar", Variable=variable).get("Value", "")

    def _request(self, name: str, keys: dict[str, str], as_list: bool = False) -> list[Response | Event]:
        action_id = f"doctor-{self.next_action_id()}"
        answers: queue.SimpleQueue[Response | Event | None] = queue.SimpleQueue()
        self._answers[action_id] = answers
        deadline = time.monotonic() + self._timeout
        found: list[Response | Event] = []
        try:
            if self.finished.is_set():
                raise NoAnswer(f"{name}: the connection has ended")
            self.send(Action(name, {**keys, "ActionID": action_id}))
            while True:
                answer = answers.get(timeout=max(0.0, deadline - time.monotonic()))
                if answer is None:
                    raise NoAnswer(f"{name}: the connection ended")
                if isinstance(answer, Response) and answer.is_error():
                    raise Refusal(answer.keys.get("Message", "refused"))
                if isinstance(answer, Event) and answer.keys.get("EventList") == "Complete":
                    return found
                found.append(answer)
                if not as_list:
                    return found
        except queue.Empty:
            raise NoAnswer(f"{name}: no answer within {self._timeout:g} s") from None
        except OSError as error:
            raise NoAnswer(f"{name}: {error}") from None
        finally:
            del self._answers[action_id]

    # ---- the library's hooks, some of them spelt as it spells them

    def send(self, pack: Action) -> None:
        text = str(pack)
        if not text.replace("\r\n", "").isprintable() or text.count("\r\n") != 1 + len(pack.keys):
            raise ValueError(f"{pack.name}: a value with control characters")
        self._socket.sendall(f"{text}\r\n".encode())

    def listen(self) -> None:
        try:
            super().listen()
        except Exception:  # noqa: S110  # not a manager, or gone: whoever waits learns it below
            pass
        finally:
            self.finished.set()
            for answers in list(self._answers.values()):
                answers.put(None)

    def _fire_on_connect(self, **kwargs: object) -> None:
        self._greeted.set()

    def fire_recv_reponse(self, response: Response) -> None:
        answers = self._answers.get(response.keys.get("ActionID", ""))
        if answers is not None:
            answers.put(response)

    def fire_recv_event(self, event: Event) -> None:
        answers = self._answers.get(event.keys.get("ActionID", ""))
        (answers if answers is not None else self.events).put(event)
