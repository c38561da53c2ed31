# SPDX-License-Identifier: MIT OR Apache-2.0
"""What holds for the command line of every example."""
import programs

# WASI 0.2 has only success and failure to end with
WRONG_USAGE = 2 if programs.NATIVE else 1


class CommandLine:
    """For a unittest.TestCase."""

    def assert_help(self, result, name):
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr, b"")
        self.assertTrue(result.stdout.startswith(b"usage: " + name.encode()), result.stdout)
        self.assertIn(b"--help", result.stdout)

    def assert_wrong_usage(self, result, name):
        self.assertEqual(result.returncode, WRONG_USAGE, result.stderr)
        self.assertEqual(result.stdout, b"")
        self.assertIn(b"usage: " + name.encode(), result.stderr)

    def assert_fails(self, result, pattern):
        """With one clear line."""
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stderr, rb"\A[^\n]*" + pattern.encode() + rb"[^\n]*\n\Z")
