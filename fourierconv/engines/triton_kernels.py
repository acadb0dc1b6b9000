"""Batched small complex matrix products over frequencies, C[m, n, f] = Σ_k A[m, k, f] B[k, n, f], as Triton kernels.

Frequencies are the fast axis, as an FFT leaves them: nothing is permuted. `outer` multiplies in float32, a frequency
per lane, by outer products in registers; `dot` lays frequencies over warps and multiplies on tensor cores, in TF32 or
bfloat16. A complex number is loaded as the 64 bits that it is, and taken apart in registers.

`cut` and `assemble` are what stands before and behind the transforms: tiles of images, and images of tiles.
`expand` and `gather` make the kernels' spectra from a few columns, and columns of their gradient.

This module imports triton, which is optional; nothing else in the package does.
"""

import triton
import triton.language as tl


@triton.jit
def _wide(pointer):  # type: ignore[no-untyped-def]
    """To complex numbers as 64 bits, of a pointer to their parts."""
    return pointer.to(tl.pointer_type(tl.int64))


@triton.jit
def _parts(number):  # type: ignore[no-untyped-def]
    """Real and imaginary part of 64 bits."""
    real = number.to(tl.int32).to(tl.float32, bitcast=True)
    return real, (number >> 32).to(tl.int32).to(tl.float32, bitcast=True)


@triton.jit
def _complex(real, imag):  # type: ignore[no-untyped-def]
    low = real.to(tl.int32, bitcast=True).to(tl.int64) & 0xFFFFFFFF
    return low | (imag.to(tl.int32, bitcast=True).to(tl.int64) << 32)


@triton.jit
def _block(extent, place, size: tl.constexpr):  # type: ignore[no-untyped-def]
    """Take the fastest axis off a program's number: the place on it, and the number of what remains."""
    blocks = tl.cdiv(extent, size)
    return place % blocks, place // blocks


@triton.jit
def _weights(f, columns, nyquist, scale):  # type: ignore[no-untyped-def]
    """How often a column of the half spectrum counts in the full one, times `scale`."""
    column = f % columns
    return tl.where((column == 0) | (column == nyquist), scale, 2 * scale)


@triton.jit
def _along_k(k, k_tiles, stride, tile_stride):  # type: ignore[no-untyped-def]
    return (k // k_tiles).to(tl.int64) * stride + (k % k_tiles).to(tl.int64) * tile_stride


SHAPED = ("m_count", "n_count", "k_count", "f_count", "groups", "splits", "length", "m_tiles", "k_tiles")
STRIDES = ("ag", "am", "amt", "ak", "akt", "bg", "bk", "bkt", "bn", "cs", "cg", "cm", "cmt", "cn")
WEIGHING = ("columns", "nyquist", "scale")
UNSPECIALIZED = (*SHAPED, *STRIDES, *WEIGHING)  # one binary serves all sizes


@triton.jit(do_not_specialize=UNSPECIALIZED)
def outer(  # type: ignore[no-untyped-def]
    a,  # (group, m, k, frequency), complex numbers as pairs of floats, as the other two
    b,  # (group, k, n, frequency)
    c,  # (split, group, m, n, frequency), written
    m_count,
    n_count,
    k_count,
    f_count,
    groups,
    splits,  # parts of the sum over k, each summed by a program of its own
    length,  # of a part
    m_tiles,  # m and k are pairs (image, tile) of so many tiles, with a stride for each of the two
    k_tiles,
    ag,
    am,
    amt,
    ak,
    akt,
    bg,
    bk,
    bkt,
    bn,
    cs,
    cg,
    cm,
    cmt,
    cn,
    columns,
    nyquist,
    scale,
    CONJ_A: tl.constexpr,
    CONJ_B: tl.constexpr,
    WEIGHTED: tl.constexpr,
    TM: tl.constexpr,  # rows and columns of C in the registers of a thread
    TN: tl.constexpr,
    WM: tl.constexpr,  # threads side by side; WM · WN · BF is the number of threads
    WN: tl.constexpr,
    BF: tl.constexpr,
    STAGES: tl.constexpr,
):
    """Outer products, k by k: (TM · WM) rows times (TN · WN) columns times BF frequencies per program."""
    place = tl.program_id(0)  # programs that share frequencies follow each other
    m_block, place = _block(m_count, place, TM * WM)
    n_block, place = _block(n_count, place, TN * WN)
    split, place = _block(splits, place, 1)
    group, f_block = _block(groups, place, 1)

    f = f_block * BF + tl.arange(0, BF)
    m = m_block * (TM * WM) + tl.arange(0, TM * WM)
    n = n_block * (TN * WN) + tl.arange(0, TN * WN)
    g = group.to(tl.int64)
    a_rows = (m // m_tiles).to(tl.int64) * am + (m % m_tiles).to(tl.int64) * amt
    b_rows = n.to(tl.int64) * bn
    # As pairs of floats: two neighbours per thread are what tells the compiler to keep lines of frequencies together.
    parts = f_block * (2 * BF) + tl.arange(0, 2 * BF)
    inside = (parts < 2 * f_count)[None, :]
    a_own = a + 2 * (g * ag + a_rows)[:, None] + parts[None, :]
    b_own = b + 2 * (g * bg + b_rows)[:, None] + parts[None, :]
    a_mask = (m < m_count)[:, None] & inside
    b_mask = (n < n_count)[:, None] & inside

    first = split * length
    last = tl.minimum(first + length, k_count)
    k_tile = first % k_tiles
    a_k, b_k = _along_k(first, k_tiles, ak, akt), _along_k(first, k_tiles, bk, bkt)
    a_turn = tl.cast(ak, tl.int64) - (k_tiles - 1).to(tl.int64) * akt  # from an image's last tile to the next's first
    b_turn = tl.cast(bk, tl.int64) - (k_tiles - 1).to(tl.int64) * bkt
    real = tl.zeros((TM, TN, WM, WN, BF), tl.float32)
    imag = tl.zeros((TM, TN, WM, WN, BF), tl.float32)
    for _ in tl.range(first, last, num_stages=STAGES):
        x = tl.reshape(tl.load(a_own + 2 * a_k, mask=a_mask, other=0), (TM, WM, BF, 2))
        y = tl.reshape(tl.load(b_own + 2 * b_k, mask=b_mask, other=0), (TN, WN, BF, 2))
        x_real, x_imag = tl.split(x[:, None, :, None, :, :])
        y_real, y_imag = tl.split(y[None, :, None, :, :, :])
        real += x_real * y_real
        if CONJ_A == CONJ_B:
            real -= x_imag * y_imag
        else:
            real += x_imag * y_imag
        if CONJ_B:
            imag -= x_real * y_imag
        else:
            imag += x_real * y_imag
        if CONJ_A:
            imag -= x_imag * y_real
        else:
            imag += x_imag * y_real
        k_tile += 1
        turns = k_tile == k_tiles
        k_tile = tl.where(turns, 0, k_tile)
        a_k += tl.where(turns, a_turn, akt)
        b_k += tl.where(turns, b_turn, bkt)

    if WEIGHTED:
        weights = _weights(f, columns, nyquist, scale)[None, None, None, None, :]
        real *= weights
        imag *= weights
    # As a matrix whose columns are frequencies: its coalesced layout is how the sums lie, and nothing is exchanged.
    entry = tl.arange(0, TM * TN * WM * WN)
    m = m_block * (TM * WM) + entry // (TN * WM * WN) * WM + entry // WN % WM
    n = n_block * (TN * WN) + entry // (WM * WN) % TN * WN + entry % WN
    rows = (m // m_tiles).to(tl.int64) * cm + (m % m_tiles).to(tl.int64) * cmt + n.to(tl.int64) * cn
    tl.store(
        _wide(c) + split.to(tl.int64) * cs + g * cg + (rows[:, None] + f[None, :]),
        tl.reshape(_complex(real, imag), (TM * TN * WM * WN, BF)),
        mask=((m < m_count) & (n < n_count))[:, None] & (f < f_count)[None, :],
    )


@triton.jit(do_not_specialize=UNSPECIALIZED)
def dot(  # type: ignore[no-untyped-def]
    a,
    b,
    c,
    m_count,
    n_count,
    k_count,
    f_count,
    groups,
    splits,
    length,
    m_tiles,
    k_tiles,
    ag,
    am,
    amt,
    ak,
    akt,
    bg,
    bk,
    bkt,
    bn,
    cs,
    cg,
    cm,
    cmt,
    cn,
    columns,
    nyquist,
    scale,
    CONJ_A: tl.constexpr,
    CONJ_B: tl.constexpr,
    WEIGHTED: tl.constexpr,
    STRAIGHT: tl.constexpr,  # whether BK terms are always tiles of one image
    PRECISION: tl.constexpr,  # 'tf32' or 'bf16': of the factors; sums are float32
    BM: tl.constexpr,
    BN: tl.constexpr,
    BK: tl.constexpr,
    BF: tl.constexpr,
):
    """The same on tensor cores: BF matrix products of BM rows, BN columns, BK at a time, per program."""
    ALLOWED: tl.constexpr = "tf32" if PRECISION == "bf16" else PRECISION  # of float32
    place = tl.program_id(0)
    m_block, place = _block(m_count, place, BM)
    n_block, place = _block(n_count, place, BN)
    split, place = _block(splits, place, 1)
    group, f_block = _block(groups, place, 1)

    f = f_block * BF + tl.arange(0, BF)
    m = m_block * BM + tl.arange(0, BM)
    n = n_block * BN + tl.arange(0, BN)
    image, tile = (m // m_tiles).to(tl.int64), (m % m_tiles).to(tl.int64)
    n_wide, g = n.to(tl.int64), group.to(tl.int64)
    a_own = _wide(a) + g * ag + ((image * am + tile * amt)[:, None, None] + f[None, None, :])
    b_own = _wide(b) + g * bg + ((n_wide * bn)[None, :, None] + f[None, None, :])
    inside = (f < f_count)[None, None, :]
    a_mask = (m < m_count)[:, None, None] & inside
    b_mask = (n < n_count)[None, :, None] & inside

    first = split * length
    last = tl.minimum(first + length, k_count)
    real = tl.zeros((BF, BM, BN), tl.float32)
    imag = tl.zeros((BF, BM, BN), tl.float32)
    if STRAIGHT:
        a_own += (tl.arange(0, BK).to(tl.int64) * akt)[None, :, None]
        b_own += (tl.arange(0, BK).to(tl.int64) * bkt)[:, None, None]
    for start in tl.range(first, last, BK, num_stages=1):  # a pipeline's shared memory would have conflicts of banks
        k = start + tl.arange(0, BK)
        if STRAIGHT:
            x_own, y_own = a_own + _along_k(start, k_tiles, ak, akt), b_own + _along_k(start, k_tiles, bk, bkt)
        else:
            x_own = a_own + _along_k(k, k_tiles, ak, akt)[None, :, None]
            y_own = b_own + _along_k(k, k_tiles, bk, bkt)[:, None, None]
        x = tl.load(x_own, mask=a_mask & (k < last)[None, :, None], other=0)
        y = tl.load(y_own, mask=b_mask & (k < last)[:, None, None], other=0)
        x, y = tl.trans(x, (2, 0, 1)), tl.trans(y, (2, 0, 1))
        x_real, x_imag = _parts(x)
        y_real, y_imag = _parts(y)
        x_minus, y_minus = -x_imag, -y_imag
        if PRECISION == "bf16":
            x_real, x_imag, x_minus = x_real.to(tl.bfloat16), x_imag.to(tl.bfloat16), x_minus.to(tl.bfloat16)
            y_real, y_imag, y_minus = y_real.to(tl.bfloat16), y_imag.to(tl.bfloat16), y_minus.to(tl.bfloat16)
        real = tl.dot(x_real, y_real, real, input_precision=ALLOWED)
        real = tl.dot(x_minus if CONJ_A == CONJ_B else x_imag, y_imag, real, input_precision=ALLOWED)
        imag = tl.dot(x_real, y_minus if CONJ_B else y_imag, imag, input_precision=ALLOWED)
        imag = tl.dot(x_minus if CONJ_A else x_imag, y_real, imag, input_precision=ALLOWED)

    if WEIGHTED:
        weights = _weights(f, columns, nyquist, scale)[:, None, None]
        real *= weights
        imag *= weights
    c_own = _wide(c) + split.to(tl.int64) * cs + g * cg
    rows, places = (image * cm + tile * cmt)[:, None, None], (n_wide * cn)[None, :, None]
    mask = (m < m_count)[:, None, None] & (n < n_count)[None, :, None] & inside
    tl.store(c_own + (rows + places + f[None, None, :]), tl.trans(_complex(real, imag), (1, 2, 0)), mask=mask)


@triton.jit
def _within(index, count):  # type: ignore[no-untyped-def]
    """0 <= index < count, as one comparison."""
    return index.to(tl.uint32, bitcast=True) < count.to(tl.uint32, bitcast=True)


@triton.jit
def _on_tile(pixel, number, lead, step, count, width, meeting: tl.constexpr):  # type: ignore[no-untyped-def]
    """Of the tiles that hold a pixel the one of this number from the last: which, the place on it, whether there is."""
    q = pixel + lead
    if meeting == 0:
        return q * 0, q, _within(q, width)
    tile = q // step - number
    i = q - tile * step
    return tile, i, _within(tile, count) & _within(i, width)


TILED = (
    *("n0", "n1", "n2", "c0", "c1", "c2", "g0", "g1", "g2", "s0", "s1", "s2", "w0", "w1", "w2", "l0", "l1", "l2"),
    "lines",
)


@triton.jit(do_not_specialize=TILED)
def cut(  # type: ignore[no-untyped-def]
    images,  # (plane, n0, n1, n2)
    tiles,  # (plane, c0, c1, c2, g0, g1, g2), written
    n0,
    n1,
    n2,
    c0,
    c1,
    c2,
    g0,
    g1,
    g2,
    s0,  # from one tile to the next
    s1,
    s2,
    w0,  # pixels of a tile; zeros follow
    w1,
    w2,
    l0,  # that the first tile begins before the image
    l1,
    l2,
    lines,  # of a tile
    VOLUMES: tl.constexpr,  # whether there are three axes, and not fewer
    UNIT: tl.constexpr,  # of which g2 is a multiple
    BL: tl.constexpr,
    BX: tl.constexpr,
):
    """Overlapping tiles, zeros beyond the image: BL lines times BX columns of a tile per program.

    Offsets within a plane, be it an image or its tiles, have 32 bits.
    """
    pitch = (g2 // UNIT) * UNIT  # the compiler learns that it may write so many at once
    x_block, place = _block(pitch, tl.program_id(0), BX)
    line_block, tile = _block(lines, place, BL)
    t2, place = tile % c2, tile // c2
    t1, place = place % c1, place // c1
    t0, plane = place % c0, place // c0
    line = line_block * BL + tl.arange(0, BL)
    x = x_block * BX + tl.arange(0, BX)
    if VOLUMES:
        i0, i1 = line // g1, line % g1
        y0, y1 = t0 * s0 - l0 + i0, t1 * s1 - l1 + i1
        inside = (i0 < w0) & (i1 < w1) & _within(y0, n0) & _within(y1, n1)
        row = y0 * n1 + y1
    else:
        row = t1 * s1 - l1 + line
        inside = (line < w1) & _within(row, n1)
    column = t2 * s2 - l2 + x
    mask = inside[:, None] & ((x < w2) & _within(column, n2))[None, :]
    own = images + plane.to(tl.int64) * n0 * n1 * n2
    pixels = tl.load(own + ((row * n2)[:, None] + column[None, :]), mask=mask, other=0)
    target = tiles + tile.to(tl.int64) * lines * pitch
    written = (line < lines)[:, None] & (x < pitch)[None, :]
    tl.store(target + ((line * pitch)[:, None] + x[None, :]), pixels, mask=written)


@triton.jit(do_not_specialize=(*TILED, "scale"))
def assemble(  # type: ignore[no-untyped-def]
    tiles,  # (plane, c0, c1, c2, g0, g1, g2)
    images,  # (plane, n0, n1, n2), written
    n0,
    n1,
    n2,
    c0,
    c1,
    c2,
    g0,
    g1,
    g2,
    s0,
    s1,
    s2,
    w0,
    w1,
    w2,
    l0,
    l1,
    l2,
    lines,  # of an image
    scale,
    VOLUMES: tl.constexpr,
    R0: tl.constexpr,  # tiles that meet on a pixel, at most; 0 where there is one tile
    R1: tl.constexpr,
    R2: tl.constexpr,
    BL: tl.constexpr,
    BX: tl.constexpr,
):
    """The adjoint of `cut`: every pixel is the sum of those that were made of it, always in the same order."""
    x_block, place = _block(n2, tl.program_id(0), BX)
    line_block, plane = _block(lines, place, BL)
    line = line_block * BL + tl.arange(0, BL)
    x = x_block * BX + tl.arange(0, BX)
    real = (line < lines)[:, None] & (x < n2)[None, :]
    own = tiles + plane.to(tl.int64) * c0 * c1 * c2 * g0 * g1 * g2
    sums = tl.zeros((BL, BX), tl.float32)
    for r0 in tl.static_range(R0 if R0 > 1 else 1):
        if VOLUMES:
            t0, i0, inside_0 = _on_tile(line // n1, r0, l0, s0, c0, w0, R0)
        for r1 in tl.static_range(R1 if R1 > 1 else 1):
            t1, i1, inside = _on_tile(line % n1 if VOLUMES else line, r1, l1, s1, c1, w1, R1)
            if VOLUMES:
                t1, i1, inside = t0 * c1 + t1, i0 * g1 + i1, inside_0 & inside
            for r2 in tl.static_range(R2 if R2 > 1 else 1):
                t2, i2, inside_2 = _on_tile(x, r2, l2, s2, c2, w2, R2)
                row = ((t1 * c2)[:, None] + t2[None, :]) * (g0 * g1) + i1[:, None]
                mask = real & inside[:, None] & inside_2[None, :]
                sums += tl.load(own + (row * g2 + i2[None, :]), mask=mask, other=0)
    target = images + plane.to(tl.int64) * lines * n2
    tl.store(target + ((line * n2)[:, None] + x[None, :]), sums * scale, mask=real)


GENERATED = ("f_count", "k_count", "columns", "rows", "ms", "fs", "ks")


@triton.jit(do_not_specialize=GENERATED)
def expand(  # type: ignore[no-untyped-def]
    matrix,  # (scale, f, k), complex numbers as pairs of floats, as the other two
    halfway,  # (scale, row, k, column)
    spectra,  # (scale, row, f, column), written
    f_count,
    k_count,
    columns,
    rows,  # of a scale
    ms,  # of the matrix, from one scale, f and k to the next
    fs,
    ks,
    BF: tl.constexpr,
    BC: tl.constexpr,
    STAGES: tl.constexpr,
):
    """Σ_k matrix[f, k] halfway[k, column] for every row: BF frequencies times BC columns, of all rows, per program.

    Offsets within a row, and columns of all rows, have 32 bits.
    """
    f_block, place = _block(f_count, tl.program_id(0), BF)
    block, scale = _block(rows * columns, place, BC)
    f, place = f_block * BF + tl.arange(0, BF), block * BC + tl.arange(0, BC)
    f_inside, inside = f < f_count, place < rows * columns
    row, column = (scale * rows + place // columns).to(tl.int64), place % columns
    left = _wide(matrix) + scale.to(tl.int64) * ms + f * fs
    right = _wide(halfway) + (row * (k_count * columns) + column)
    real = tl.zeros((BF, BC), tl.float32)
    imag = tl.zeros((BF, BC), tl.float32)
    for _ in tl.range(k_count, num_stages=STAGES):
        x_real, x_imag = _parts(tl.load(left, mask=f_inside, other=0)[:, None])
        y_real, y_imag = _parts(tl.load(right, mask=inside, other=0)[None, :])
        real += x_real * y_real
        real -= x_imag * y_imag
        imag += x_real * y_imag
        imag += x_imag * y_real
        left += ks
        right += columns
    own = _wide(spectra) + (row * f_count * columns + column)
    tl.store(own[None, :] + (f * columns)[:, None], _complex(real, imag), mask=f_inside[:, None] & inside[None, :])


@triton.jit(do_not_specialize=GENERATED)
def gather(  # type: ignore[no-untyped-def]
    matrix,  # (scale, f, k)
    spectra,  # (scale, row, f, column)
    halfway,  # (scale, row, k, column), added to or written
    f_count,
    k_count,
    columns,
    rows,
    ms,
    fs,
    ks,
    ADDS: tl.constexpr,
    BK: tl.constexpr,
    BC: tl.constexpr,
    STAGES: tl.constexpr,
):
    """The adjoint of `expand`, Σ_f conj(matrix[f, k]) spectra[f, column]: BK terms times BC columns per program."""
    k_block, place = _block(k_count, tl.program_id(0), BK)
    block, scale = _block(rows * columns, place, BC)
    k, place = k_block * BK + tl.arange(0, BK), block * BC + tl.arange(0, BC)
    k_inside, inside = k < k_count, place < rows * columns
    row, column = (scale * rows + place // columns).to(tl.int64), place % columns
    left = _wide(matrix) + scale.to(tl.int64) * ms + k * ks
    right = _wide(spectra) + (row * f_count * columns + column)
    own = (_wide(halfway) + (row * (k_count * columns) + column))[None, :] + (k * columns)[:, None]
    mask = k_inside[:, None] & inside[None, :]
    real = tl.zeros((BK, BC), tl.float32)
    imag = tl.zeros((BK, BC), tl.float32)
    if ADDS:
        real, imag = _parts(tl.load(own, mask=mask, other=0))
    for _ in tl.range(f_count, num_stages=STAGES):
        x_real, x_imag = _parts(tl.load(left, mask=k_inside, other=0)[:, None])
        y_real, y_imag = _parts(tl.load(right, mask=inside, other=0)[None, :])
        real += x_real * y_real
        real += x_imag * y_imag
        imag += x_real * y_imag
        imag -= x_imag * y_real
        left += fs
        right += columns
    tl.store(own, _complex(real, imag), mask=mask)
