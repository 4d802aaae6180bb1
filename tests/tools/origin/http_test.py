# SPDX-License-Identifier: LGPL-2.1-or-later
"""What headgate-origin answers by HTTP: ranges, caching, its pages, and nothing that is not there."""
import glob
import gzip
import os

from origin_case import EVENT, OriginCase
import tap  # of the folder that origin_case has added

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../../tools/origin/www')


class HttpTest(OriginCase):
    def test_ranges_and_caching(self):
        self.archive(5, 6)
        self.start()
        uri = '/hls/5/' + self.uris(self.get('/hls/5/media.m3u8'))[0]
        whole = self.get(uri)
        answer, body = self.request(uri, headers={'Range': 'bytes=10-19'})
        self.assertEqual((answer.status, body), (206, whole[10:20]))
        self.assertEqual(answer.getheader('Content-Range'), f'bytes 10-19/{len(whole)}')
        answer, body = self.request(uri, headers={'Range': 'bytes=-5'})
        self.assertEqual((answer.status, body), (206, whole[-5:]))
        answer, body = self.request(uri, headers={'Range': f'bytes={len(whole)}-'})
        self.assertEqual(answer.status, 416)
        answer, body = self.request(uri, headers={'Range': 'bytes=' + ','.join(['0-'] * 100)})
        self.assertEqual((answer.status, body), (200, whole))
        answer, body = self.request(uri)
        self.assertIn('immutable', answer.getheader('Cache-Control'))
        self.assertEqual(answer.getheader('Access-Control-Allow-Origin'), '*')
        self.assertEqual(answer.getheader('Content-Type'), 'video/mp4')
        etag = answer.getheader('ETag')
        answer, body = self.request(uri, headers={'If-None-Match': etag})
        self.assertEqual((answer.status, body), (304, b''))
        answer, body = self.request(uri, 'HEAD')
        self.assertEqual((answer.status, body, answer.getheader('Content-Length')), (200, b'', str(len(whole))))
        answer, body = self.request('/hls/5/media.m3u8')
        self.assertEqual(answer.getheader('Content-Type'), 'application/vnd.apple.mpegurl')
        self.assertEqual(answer.getheader('Cache-Control'), 'public, max-age=1')

    def test_only_what_is_there_is_found(self):
        self.archive(5, 4)
        self.start()
        for path in ('/nothing', '/hls', '/hls/5', '/hls/5/', '/hls/5/x.m3u8', '/hls/5/999.m4s', '/hls/5/00.m4s',
                     '/hls/5/-1.m4s', '/hls/5/+0.m4s', '/hls/5/18446744073709551616.m4s', '/hls/05/index.m3u8',
                     '/hls/4294967296/index.m3u8', '/hls/6/index.m3u8', '/hls/5/init-.mp4', '/hls/5/init-zz.mp4',
                     '/assets/', '/assets/nothing.js', '/assets/../main.cpp', '/assets/%2e%2e/x', '/watch/x',
                     '/../../../../etc/passwd', '/hls/5/../../../../etc/passwd', '/hls/5/%2e%2e%2frun.jl',
                     '/hls/5/..%2f..%2f000000.mp4', f'/lta/{EVENT}/st/05/000005', '/api', '/api/v1/', '/api/v1/x',
                     '/api/v1/streams/x', '/api/v1/streams/5/x', '//etc/passwd', '/%00'):
            with self.subTest(path=path):
                answer, body = self.request(path)
                self.assertIn(answer.status, (400, 404), f'{path}: {answer.status} {body[:80]}')
                self.assertNotIn(b'root:', body)
        answer, _ = self.request('/' + 'a' * 1000)
        self.assertEqual(answer.status, 414)
        self.assertEqual(self.request('/', 'POST', body=b'x' * 100_000)[0].status, 405)
        self.assertEqual(self.request('/', 'DELETE')[0].status, 405)
        self.assertIsNone(self.request('/', 'OPTIONS')[0].getheader('Access-Control-Allow-Origin'))
        self.assertEqual(self.get('/healthz'), b'ok\n')

    def test_pages_carry_their_policy(self):
        self.start()
        for path, kind in (('/', 'text/html'), ('/watch/12', 'text/html'), ('/assets/style.css', 'text/css'),
                           ('/assets/watch.js', 'text/javascript')):
            answer, body = self.request(path)
            self.assertEqual(answer.status, 200)
            self.assertTrue(answer.getheader('Content-Type').startswith(kind), path)
            self.assertIn("default-src 'none'", answer.getheader('Content-Security-Policy'))
            self.assertEqual(answer.getheader('X-Content-Type-Options'), 'nosniff')
            again, body = self.request(path, headers={'If-None-Match': answer.getheader('ETag')})
            self.assertEqual((again.status, body), (304, b''))

    def test_pages_are_packed_for_who_takes_them_so(self):
        self.start()
        names = [os.path.basename(path) for path in glob.glob(os.path.join(PAGE, '*.[hcj][ts]*'))]
        names = ['assets/' + name for name in names if name.endswith(('.css', '.html', '.js'))] + ['', 'watch/12']
        self.assertIn('assets/player.js', names)
        if os.path.exists(os.path.join(PAGE, 'node_modules/hls.js')):
            names.append('assets/hls.min.js')
        for name in names:
            plain, whole = self.request(f'/{name}', headers={'Accept-Encoding': 'br'})
            packed, body = self.request(f'/{name}', headers={'Accept-Encoding': 'gzip, deflate, br'})
            self.assertEqual([plain.getheader('Content-Encoding'), packed.getheader('Content-Encoding')], [None, 'gzip'])
            self.assertEqual({plain.getheader('Vary'), packed.getheader('Vary')}, {'Accept-Encoding'})
            self.assertEqual(gzip.decompress(body), whole)
            etag = packed.getheader('ETag')
            self.assertNotEqual(etag, plain.getheader('ETag'))
            again = {'Accept-Encoding': 'gzip', 'If-None-Match': etag}
            answer, nothing = self.request(f'/{name}', headers=again)
            self.assertEqual((answer.status, nothing, answer.getheader('Vary')), (304, b'', 'Accept-Encoding'))
            self.assertEqual(self.request(f'/{name}', headers={'If-None-Match': etag})[0].status, 200)


if __name__ == '__main__':
    tap.run_unittest()
